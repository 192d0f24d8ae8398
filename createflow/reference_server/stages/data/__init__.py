"""The data tier: steps 11 to 15."""
