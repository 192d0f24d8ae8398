"""The endpoint under test: requests and replies, principals and credentials, TLS.

What may enter: what talks to the endpoint or describes it. Sinks have a package of their own.
"""
