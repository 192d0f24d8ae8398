"""Checks of the api tier, one module a step."""
