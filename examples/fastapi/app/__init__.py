"""A small service that keeps projects, each owned by the subject of the token that created it."""
