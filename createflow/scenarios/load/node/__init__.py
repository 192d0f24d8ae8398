"""The load processes (gevent, Locust)."""
