"""Thousands of slow and hostile connections beside 50 creates a second: what honest clients notice."""
