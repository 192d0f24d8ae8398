"""How a check is declared, judged and given its probes."""
