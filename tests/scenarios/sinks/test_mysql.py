"""MariaDB as primary, replica and audit trail: what it shows, that nothing can be written, and how it fails."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks import mysql
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.scenarios.sinks.mysql import MysqlTable
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import SqlSink
from tests.scenarios.sinks.servers import HOST, Certificates, documented, mariadb

aiomysql: Any = pytest.importorskip("aiomysql", reason="the extra mysql is not installed")
pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("mariadb")]
SETUP = """
create database shop;
create table shop.orders (id char(36) primary key, name varchar(200) character set utf8mb4, price decimal(10,2),
  paid boolean, meta json, created_at datetime(6), author varchar(40));
create table shop.audit (who varchar(40), what varchar(40), order_id char(36), at datetime(6));
create user reader@'%' identified by 'p@ss/word'; grant select on shop.orders to reader@'%';
grant select on shop.audit to reader@'%';
create user writer@'%' identified by 'w'; grant select, insert on shop.* to writer@'%';
insert into shop.orders values
  ('a', 'load ab12 1', 1.50, true, '{"x": [1, null]}', '2026-01-02 03:04:05.678', 'ann'),
  ('b', 'load ab12 2 \N{PILE OF POO}', 2, false, null, '2026-01-02 03:04:06', 'o''neill');
insert into shop.audit values ('ann', 'create', 'a', now(6)), ('ann', 'create', 'b', now(6)),
  ('ann', 'create', 'b', now(6))
"""
QUERIES = {
    "by_id": "select id, name, price, paid, meta, created_at, author from orders where id = %(id)s",
    "by_name": "select id from orders where name = %(name)s",
    "by_run": "select id, name, price from orders where name like concat(%(prefix)s, '%%') and created_at < %(since)s"
    " order by id",
    "by_creators": "select id from orders where author in %(creators)s",
    "json_columns": ["meta"],
}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of the server."""
    return Certificates.made_in(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[tuple[Path, int]]:
    """One server for the session, with two orders."""
    made = certificates
    with mariadb(tmp_path_factory.mktemp("m"), f"--ssl-cert={made.certificate}", f"--ssl-key={made.key}") as places:
        yield places


@pytest.fixture
async def port(server: tuple[Path, int]) -> int:
    """Its port; the orders are in it."""
    connection = await aiomysql.connect(unix_socket=str(server[0]), user="root", charset="utf8mb4", autocommit=True)
    async with connection.cursor() as cursor:
        await cursor.execute("show databases like 'shop'")
        if not await cursor.fetchall():
            for statement in SETUP.split(";\n"):
                for one in statement.split("; "):
                    await cursor.execute(one)
    connection.close()
    return server[1]


def table_of(dsn: str, **queries: Any) -> MysqlTable:
    """A table."""
    return MysqlTable("the primary", dsn, SqlSink.model_validate({"dsn": dsn, **QUERIES, **queries}))


@pytest.fixture
async def table(port: int) -> AsyncIterator[MysqlTable]:
    """The orders, as somebody who may only read."""
    found = table_of(f"mysql://reader:p%40ss%2Fword@{HOST}:{port}/shop")
    yield await found.open()
    await found.close()


async def test_rows_have_the_types_that_their_columns_mean(table: MysqlTable) -> None:
    """Found; with booleans, instants and JSON as such, and all of Unicode."""
    assert await table.by_id("a") == [
        {
            "id": "a",
            "name": "load ab12 1",
            "price": Decimal("1.50"),
            "paid": True,
            "meta": {"x": [1, None]},
            "created_at": datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
            "author": "ann",
        }
    ]
    assert (await table.by_id("b"))[0]["name"] == "load ab12 2 \N{PILE OF POO}"
    assert [row["id"] for row in await table.by_creators(["ann", "o'neill"], datetime.now(UTC))] == ["a", "b"]
    assert await table.by_creators([], datetime.now(UTC)) == []


async def test_what_is_not_there_is_not_found(table: MysqlTable) -> None:
    """Whatever the id has in it."""
    for strange in ("nowhere", "' or 1=1 -- ", "\\' or 1=1 -- ", "a\0"):
        assert await table.by_id(strange) == []
    with pytest.raises(NotDeclared, match="has no by_actor query"):
        await table.by_actor("ann")


async def test_a_load_is_read_in_pages(table: MysqlTable, port: int) -> None:
    """And the entries about many ids, doubled ones too."""
    values = {"prefix": "load ab12 ", "since": datetime.now(UTC)}
    pages = [page async for page in table.pages(QUERIES["by_run"], values)]  # type: ignore[arg-type]
    assert [(page.columns, [row[0] for row in page.rows]) for page in pages] == [(("id", "name", "price"), ["a", "b"])]
    by_ids = "select order_id, who as actor from audit where order_id in %(ids)s order by order_id"
    pages = [page async for page in table.pages_by_ids(by_ids, [["a", "b", "c"], ["c"]])]
    assert [row for page in pages for row in page.rows] == [("a", "ann"), ("b", "ann"), ("b", "ann")]
    assert abs((await table.now() - datetime.now(UTC)).total_seconds()) < 60


async def test_what_changes_later_is_seen(table: MysqlTable, server: tuple[Path, int]) -> None:
    """No old snapshot is shown: what is late is found once it is there, and a change is seen."""
    writer = await aiomysql.connect(unix_socket=str(server[0]), user="root", autocommit=True, db="shop")
    async with writer.cursor() as cursor:
        assert await table.by_id("late") == []
        await cursor.execute("insert into orders (id, name) values ('late', 'x')")
        assert [row["name"] for row in await table.by_id("late")] == ["x"]
        await cursor.execute("update orders set name = 'y' where id = 'late'")
        assert [row["name"] for row in await table.by_id("late")] == ["y"]
        await cursor.execute("delete from orders where id = 'late'")
        assert await table.by_id("late") == []
    writer.close()


async def test_nothing_can_be_written(port: int) -> None:
    """By a user who may, and whatever the query says; and that the user may is told."""
    inserting = "insert into audit (who) values (%(id)s)"
    table = table_of(f"mysql://writer:w@{HOST}:{port}/shop", by_id=inserting)
    assert await table.can_write() == "SELECT, INSERT"
    with pytest.raises(SinkFailed, match="READ ONLY"):
        await table.by_id("x")
    await table.close()


async def test_a_user_who_may_only_read_is_not_told(table: MysqlTable) -> None:
    """It is what the documentation asks for."""
    assert await table.can_write() == ""


async def test_a_connection_that_was_ended_is_made_again(table: MysqlTable) -> None:
    """A healed fault may have ended it."""
    await table.by_id("a")
    table._connection.close()
    assert len(await table.by_id("a")) == 1


async def test_failures_name_the_key(port: int) -> None:
    """A wrong address, user, database, table, right, column and placeholder."""
    good = f"mysql://reader:p%40ss%2Fword@{HOST}:{port}/shop"
    for dsn, queries, words in (
        (f"mysql://reader:x@{HOST}:1/shop", {}, "Can't connect.*check the dsn"),
        (f"mysql://reader:x@{HOST}:{port}/shop", {}, "Access denied.*check user and password of the dsn"),
        (f"mysql://reader:p%40ss%2Fword@{HOST}:{port}/mysql", {}, "Access denied"),
        (good, {"by_id": "select * from nowhere"}, "needs SELECT on the table|check the query"),
        (good, {"by_id": "select titel from orders"}, "Unknown column 'titel'.*check the query"),
        (good, {"by_id": "select * from orders where id = %(ident)s"}, r"names %\(ident\)s, which it is not given"),
    ):
        table = table_of(dsn, **queries)
        with pytest.raises(SinkFailed, match=words):
            await table.by_id("a")
        await table.close()


async def test_rows_are_read_within_bounds(table: MysqlTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their number, and the length of each."""
    monkeypatch.setattr(mysql, "_MOST_ROWS", 1)
    table._queries = SqlSink(dsn=SecretStr(""), by_id="select id, %(id)s as x from orders")
    with pytest.raises(Inconclusive, match="more than 1 rows to one query"):
        await table.by_id("a")
    monkeypatch.setattr(mysql, "_MOST_BYTES", 10_000)
    table._queries = SqlSink(dsn=SecretStr(""), by_id="select repeat('x', 20000) as a, %(id)s as x")
    with pytest.raises(Inconclusive, match="a row of more than 10000 bytes"):
        await table.by_id("a")


@pytest.mark.parametrize("dsn", ["mysql://h", "mysql://u:p@h:x/db", "mysql:///db"])
def test_another_dsn_is_refused(dsn: str) -> None:
    """Without its password in the message."""
    with pytest.raises(UserError, match="is not a URL of MySQL or MariaDB"):
        table_of(dsn)


async def test_the_documented_rights_are_enough(server: tuple[Path, int], port: int) -> None:
    """The statements of docs/sinks.md."""
    root = await aiomysql.connect(unix_socket=str(server[0]), user="root", autocommit=True)
    async with root.cursor() as cursor:
        for statement in documented("MySQL and MariaDB", "sql"):
            await cursor.execute(statement)
    root.close()
    table = table_of(f"mysql://createflow:secret@{HOST}:{port}/shop")
    assert len(await table.by_id("a")) == 1
    assert await table.can_write() == ""
    await table.close()


async def test_an_encrypted_connection_verifies_the_server(port: int, certificates: Certificates) -> None:
    """With the authority that the profile names, and with no other."""
    made, dsn = certificates, f"mysql://reader:p%40ss%2Fword@{HOST}:{port}/shop"
    table = table_of(dsn, ca_file=str(made.ca), by_id="show status like 'Ssl_cipher'")
    ((_, cipher),) = [tuple(row.values()) for row in await table.by_id("x")]
    assert cipher
    await table.close()
    table = table_of(dsn, ca_file=str(made.other_ca))
    with pytest.raises(SinkFailed, match=r"(?i)certificate.*check the dsn"):
        await table.by_id("a")
    await table.close()
