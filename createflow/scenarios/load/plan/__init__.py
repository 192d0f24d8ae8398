"""What one load is to do, worked out before it starts: options, schedule, operation mix, requests and principals.

Everything here is data or pure arithmetic, apart from ``principals``, which holds the tokens. What both parent and load
workers need (``messages``, ``schedule``, ``mix``, ``write_log``) imports neither pydantic nor httpx.
"""
