"""The bundled stack: starts, supervises and stops the engines and our three kinds of process.

What runs inside a process of the reference does not belong here.
"""
