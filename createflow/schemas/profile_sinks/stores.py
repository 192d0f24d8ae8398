"""The cache and the search index."""

from typing import Literal

from pydantic import SecretStr

from createflow.schemas.profile_section import Section


class CacheSink(Section):
    """``[sinks.cache]``: a Redis or Valkey that caches the representation."""

    kind: Literal["redis"] = "redis"
    url: SecretStr
    """``redis://`` or ``rediss://``."""
    key: str
    """Key of a resource, with ``{id}``."""
    field: str | None = None
    """The hash field that holds the JSON body; absent when the key is a plain string."""


class SearchSink(Section):
    """``[sinks.search]``: an Elasticsearch or OpenSearch index, documents by resource id."""

    kind: Literal["elasticsearch"] = "elasticsearch"
    url: SecretStr
    """``http://`` or ``https://``, with user and password."""
    index: str
    """Name of the index or alias."""
    name_keyword: str | None = None
    """The name as one keyword, for example ``name.keyword``: finds duplicates, and documents that should not exist."""
