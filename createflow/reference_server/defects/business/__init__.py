"""Seeded defects of the business tier, steps 7 to 10: one module a step, named as in ``schemas.flow.Step``."""
