"""The API tier: steps 1 to 6 and 16."""
