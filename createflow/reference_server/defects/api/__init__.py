"""Seeded defects of the api tier, steps 1 to 6 and 16: one module a step, named as in ``schemas.flow.Step``."""
