"""Finished reports, rendered.

One package for each kind of report, each with its verdict, its formats (``as_*``) and their registry (``renderers``);
``format`` holds what the formats share. Nothing here sends a request or reads a sink.
"""
