"""The reference server: the sixteen steps in three kinds of process, and the stack that runs them.

It never imports the tester, ``createflow.scenarios``.
"""
