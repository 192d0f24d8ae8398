"""Reads what somebody else may have written.

What may enter: bounds on files and formats, and where something stands in a file.
"""
