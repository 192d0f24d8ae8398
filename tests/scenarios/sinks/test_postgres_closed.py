"""A table that was closed opens no new connection."""

import psycopg
import pytest
from pydantic import SecretStr

from createflow.scenarios.sinks.postgres import PostgresTable
from createflow.schemas.profile_sinks import SqlSink


@pytest.mark.anyio
async def test_a_closed_table_is_not_read() -> None:
    """A check that was stopped may still ask; its connection would stay open."""
    dsn = "postgresql://127.0.0.1:1/x"
    table = PostgresTable("the primary", dsn, SqlSink(dsn=SecretStr(dsn), by_id="select 1"))
    await table.close()
    with pytest.raises(psycopg.OperationalError, match="the primary is not read any more"):
        await table.by_id("1")
