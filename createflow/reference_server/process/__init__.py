"""What every process of the reference has: settings, logs, metrics, health, an HTTP server.

What only one kind of process needs belongs to that kind's package.
"""
