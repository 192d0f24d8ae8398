"""The cache and the search index."""

from typing import Literal

from pydantic import Field, SecretStr

from createflow.schemas.profile_section import Pointer, Section


class StoredDocument(Section):
    """Base of the stores whose documents are found by a key of their own."""

    resource: Pointer = ""
    """JSON Pointer to the representation inside a document; the whole document unless given."""
    fields: dict[str, Pointer] = Field(default_factory=dict)
    """Fields that have another name or place in a document: name in the representation, and JSON Pointer into the
    document."""


class CacheSink(StoredDocument):
    """``[sinks.cache]``: a Redis or Valkey that caches the representation."""

    kind: Literal["redis"] = "redis"
    url: SecretStr
    """``redis://`` or ``rediss://``."""
    key: str
    """Key of a resource, with ``{id}``."""
    field: str | None = None
    """The hash field that holds the JSON body; absent when the key is a plain string."""


class SearchSink(StoredDocument):
    """``[sinks.search]``: an Elasticsearch or OpenSearch index, documents by resource id."""

    kind: Literal["elasticsearch"] = "elasticsearch"
    url: SecretStr
    """``http://`` or ``https://``, with user and password."""
    index: str
    """Name of the index or alias."""
    id_keyword: str | None = None
    """The resource's id as one keyword, where the document's own ``_id`` is another."""
    name_keyword: str | None = None
    """The name as one keyword, for example ``name.keyword``: finds duplicates, and documents that should not exist."""
