"""Reads an OpenAPI document and drafts a profile from it.

What may enter: reading documents, finding the create in one, and writing the draft.
"""
