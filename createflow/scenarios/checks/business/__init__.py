"""Checks of the business tier, one module a step."""
