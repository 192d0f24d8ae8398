"""How a check is declared, chosen, given its probes, and how its findings are identified.

What may enter: what every check uses. What only some checks share is in ``checks.support``.
"""
