"""The gateway process: HTTP in front of the stages of the API tier. ``build`` is its composition root."""
