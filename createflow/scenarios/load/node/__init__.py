"""The load processes: senders on gevent, started and controlled through Locust's runners.

Only what runs inside a load process belongs here. No other package imports it: the parent starts ``node.worker`` and
``node.master`` as processes. Nothing here imports pydantic or httpx, which would cost each worker start-up time and
memory.
"""
