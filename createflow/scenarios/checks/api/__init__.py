"""Checks of the API tier, one module or package a step."""
