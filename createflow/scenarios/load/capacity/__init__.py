"""Searches for the highest rate: of the target (``max_rate``) and of the generator itself (``generator_ceiling``).

A search decides what to measure next and when to stop. Measuring is passed in as a function, so that it can be tested
without load.
"""
