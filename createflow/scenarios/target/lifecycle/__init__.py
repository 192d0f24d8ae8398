"""Requests outside the checks: those of the profile before and after them."""
