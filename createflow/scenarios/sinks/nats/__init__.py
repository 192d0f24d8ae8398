"""NATS JetStream: the event stream, read-only.

Three ways to read it: all events while checks run (``stream``), all events after a load (``replay``), and single events
during a load (``watch``). Consumers are short-lived and in memory; the server forgets them.
"""
