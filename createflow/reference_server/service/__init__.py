"""The service process: steps 7 to 14, and reads. ``build`` is its composition root."""
