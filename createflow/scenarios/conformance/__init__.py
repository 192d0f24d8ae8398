"""The use case of ``createflow run``.

What may enter: running checks and what becomes of their results. Checks themselves are in ``checks``.
"""
