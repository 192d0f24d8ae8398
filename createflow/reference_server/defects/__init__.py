"""Seeded defects (mutants): one module a step, so that every check can be seen to fail.

A module holds the mutants of its step and their table ``DEFECTS``. Nothing else belongs here, and a healthy process
imports only ``defect``.
"""
