"""The use cases of ``createflow bench``: a run, the search for the highest rate, and the generator ceiling.

A use case combines the packages below it (load, verification, target) and returns a finished report. It prints nothing:
an ``Observer`` receives progress and messages.
"""
