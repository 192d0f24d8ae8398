"""Implementations of the ports with PostgreSQL, Valkey, NATS, a search engine and JSON Web Tokens.

Drivers are imported here only, and SQL stands here and in ``sql/`` only.
"""
