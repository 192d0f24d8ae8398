"""Credentials: one module for each ``kind`` of ``[auth]``, named as the kind.

What may enter: the provider of a kind of credential, and what providers share. The registry finds the module of a kind
by its name; each defines a class ``Provider``.
"""
