"""Tables of rows: the primary, its replicas, and the audit trail in SQL."""

from typing import Literal

from pydantic import SecretStr

from createflow.schemas.profile_section import Section


class SqlSink(Section):
    """A table of rows, read-only."""

    kind: Literal["sql"] = "sql"
    dsn: SecretStr
    """``postgresql://``, ``mysql://`` or ``mariadb://`` connection string of a role that may only read."""
    by_id: str
    """SQL with ``%(id)s``."""
    by_name: str | None = None
    """SQL with ``%(name)s``: finds rows that a refused create left behind."""
    by_actor: str | None = None
    """For the audit trail, SQL with ``%(actor)s``: finds entries about missing resources."""
    by_run: str | None = None
    """For the primary, SQL with ``%(prefix)s`` and, where an index helps, ``%(since)s`` (a time): id and name of every
    resource whose name begins with the prefix, in this order, and after them the other columns of the representation
    under its names, which are compared with what was sent. ``createflow bench`` verifies writes with it, also on
    replicas."""
    by_ids: str | None = None
    """For the audit trail, SQL with ``%(ids)s`` (an array of texts; in MySQL a list for ``in``): the resource id of
    every entry about a successful create of one of them, and after it ``actor``, ``action``, ``occurred_at`` and
    ``request_id``, which are compared. ``createflow bench`` verifies with it."""
    by_actors: str | None = None
    """For the audit trail, SQL with ``%(actors)s`` (an array of texts) and ``%(since)s``: the same column, of every
    successful create by one of them. ``createflow bench`` finds entries about creates that did not happen."""
    by_creators: str | None = None
    """For the primary, SQL with ``%(creators)s`` (an array of texts) and ``%(since)s``: the rows that one of them
    created, with the columns of ``by_id``. ``run`` and ``bench`` find rows with it that nobody asked for."""
    changes: bool = False
    """For the audit trail: updates and deletes have an entry each as well."""
    ca_file: str | None = None
    """MySQL and MariaDB: PEM file of the authority that signed the server's certificate. With it, the connection is
    encrypted or not made; PostgreSQL has ``sslmode`` and ``sslrootcert`` in the DSN."""
    json_columns: tuple[str, ...] = ()
    """MariaDB: columns that hold JSON, which it keeps as text."""


class ReplicaSink(Section):
    """One streaming replica; the queries are the primary's."""

    name: str
    """Its name in the report."""
    dsn: SecretStr
    """Connection string of a role that may only read; of the same engine as the primary."""
