"""Text that may be shown or saved, and JSON Pointers.

What may enter: pure functions on text and JSON values that every layer may use.
"""
