"""Event streams, read-only: what is common to all engines, and one module an engine but for NATS.

What may enter: the shape of an event (``shape``), what keeps events for the checks (``collector``), what makes the
three ways to read a stream of one source of events (``polled``), the sources, and an audit trail made of events
(``audit``). Nothing commits, acknowledges or joins a group; what a source makes on a broker goes with its connection.
"""
