"""Reading an OpenAPI document: what it says of creates is the beginning of a profile."""
