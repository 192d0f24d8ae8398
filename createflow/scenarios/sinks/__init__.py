"""Read-only access to the places that a write must reach: rows, audit trail, events, cache and search index.

What may enter: one module for each engine, the protocols that they fill (``sink``), the registry, and comparing and
waiting for what a sink holds. Nothing here writes to a sink, and no other package of the tester imports a client of a
database or broker.
"""
