"""Checks of the business tier, one module or package a step."""
