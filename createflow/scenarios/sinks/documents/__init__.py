"""Stores that show JSON documents, read-only: by a command, behind HTTP, in a log file.

What may enter: a module for each way to get documents of resources (``source`` says what each provides), and what makes
rows, a cache or an index of such documents (``roles``).
"""
