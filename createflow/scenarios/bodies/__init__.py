"""Create bodies made from a JSON Schema.

What may enter: functions from a schema to bodies. Nothing here knows a target or a profile.
"""
