"""HTTP/1.1 as a load worker speaks it: one connection for each sender, one request at a time.

Only what costs CPU for each request belongs here. Modules run in gevent's event loop, in the load processes alone, and
import neither pydantic nor httpx.
"""
