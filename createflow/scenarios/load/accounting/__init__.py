"""What happened to every arrival: how it is recorded, counted, sent between processes and added up.

Modules here count and add. They do no I/O, and they do not judge: verdicts are in ``load.verdict``. ``histogram``,
``ledger`` and ``recorder`` run in the load processes, so they import neither pydantic nor httpx.
"""
