"""Seeded defects of the data tier, steps 11 to 15: one module a step, named as in ``schemas.flow.Step``."""
