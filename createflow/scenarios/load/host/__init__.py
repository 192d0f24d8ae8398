"""The machine that the load comes from: what it is, and what its processes use.

``proc`` is read by the load workers too, so it imports nothing but the standard library.
"""
