"""The endpoint under test: requests and replies, principals and credentials, faults, TLS.

What may enter: what talks to the endpoint or describes it. Sinks have a package of their own.
"""
