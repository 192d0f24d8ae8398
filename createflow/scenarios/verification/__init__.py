"""Write verification: whether what a load wrote is in every sink, looked for after the load and sampled during it.

Verification reads sinks through the protocols of ``scenarios.sinks.sink`` only, so a new engine needs no change here. A
new kind of sink is one class in ``write_sinks`` and one builder in ``verifiable_sinks``.
"""
