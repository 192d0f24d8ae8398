"""One module an engine: its configuration, its start, and its readiness check.

Only third-party programs stand here; our own processes are in ``assembly``.
"""
