"""The worker process: what runs after the reply. ``build`` is its composition root."""
