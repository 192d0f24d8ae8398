"""Drafts a profile for an endpoint that somebody described or recorded.

What may enter: what turns a create that was found into the text of a profile, and merges such texts.
"""
