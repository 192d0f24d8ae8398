"""What joins a running stack from elsewhere: its join file, the look at every hop before it starts, and its life.

How a stack lets others join belongs to ``stack``; what a process does, to ``gateway``, ``service`` and ``worker``.
"""
