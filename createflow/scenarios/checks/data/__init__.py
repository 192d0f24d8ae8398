"""Checks of the data tier, one module a step."""
