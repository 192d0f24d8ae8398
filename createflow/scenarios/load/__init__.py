"""The load generator: a parent that plans, merges and judges, and nodes (own processes, Locust) that send.

Only ``node``, ``dispatch`` and ``sender`` import gevent or Locust, and only a node imports those three: Locust patches
what asyncio needs. Everything else here is ordinary Python that the parent may use.
"""
