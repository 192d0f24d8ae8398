"""What several checks share: ordinary creates, bursts, and the search for leftovers.

What may enter: code that at least two modules of checks use.
"""
