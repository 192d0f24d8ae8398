"""How the cost of a create grows: with the rate, and with what has been written before.

``python benchmarks/growth_of_cost.py [--rates 100,500,1000,2000] [--rows 100000,1000000] [--seconds 15]``. It starts a
stack of its own. First it sends creates at each rate. Then it fills the primary by SQL with rows as creates leave them,
waits until the worker has moved their events into stream and index, and sends creates at ``--rate`` again.
In the end it lets everything be old, and measures what forgetting a row costs.

The figures of a component are CPU time a write and memory, as in ``component_cost.py``, which this builds on.
"""

# ruff: noqa: INP001, S101, T201 - a script, not a module of the package: it prints; its SQL has names of its own
import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import psycopg
from component_cost import GENERATOR, PRIMARY, Cost, look, steady_costs

from createflow.reference_server.adapters.postgres_retention import PostgresRetention
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stack.options import StackOptions
from createflow.reference_server.stack.stack import RunningStack, running_stack

FILL_BATCH = 20_000
FORGET_BATCH = 2000
MOVE_LIMIT_S = 1800.0
FILL = """
WITH written AS (
    INSERT INTO resources (name, description, metadata, created_by)
    SELECT 'filled ' || number, 'Created by createflow bench.', '{"arrival":1}', 'filler-' || number %% 1000
    FROM generate_series(%(first)s::int, %(last)s::int) number RETURNING resources.*),
audits AS (
    INSERT INTO audit_log (actor, action, resource_id, outcome, request_id)
    SELECT created_by, 'create', id, 'success', replace(id::text, '-', '') FROM written),
events AS (
    INSERT INTO outbox (stream, type, resource_id, version, actor, request_id, data)
    SELECT %(stream)s, 'created', id, version, created_by, replace(id::text, '-', ''), resource_document(written)
    FROM written)
INSERT INTO idempotency_keys (subject, key, fingerprint, resource_id, version, document)
SELECT created_by, id::text, '', id, version, resource_document(written) FROM written
"""
"""As many rows in each table as that many creates with an Idempotency-Key leave, in the order of their numbers."""
SIZES = """
SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
WHERE relname IN ('resources', 'audit_log', 'outbox', 'idempotency_keys') ORDER BY relname
"""
QUESTIONS = {
    "one resource by id": "SELECT * FROM resources WHERE id = (SELECT max(resource_id::text)::uuid FROM"
    " (SELECT resource_id FROM audit_log ORDER BY id DESC LIMIT 1) last)",
    "audit entries of one resource": "SELECT * FROM audit_log WHERE resource_id ="
    " (SELECT resource_id FROM audit_log ORDER BY id DESC LIMIT 1)",
    "audit, replayed from the first to the last": "SELECT count(*), max(occurred_at) FROM"
    " (SELECT * FROM audit_log ORDER BY id) entries",
    "next batch of the relay": "SELECT * FROM outbox WHERE stream = 'createflow' AND (xid, seq) >"
    " (SELECT xid, seq FROM outbox_checkpoint WHERE stream = 'createflow') ORDER BY outbox.xid, outbox.seq LIMIT 500",
}


class Growth:
    """One stack that grows."""

    def __init__(self, stack: RunningStack, settings: Settings, options: argparse.Namespace) -> None:
        self._stack = stack
        self._settings = settings
        self._options = options
        self._columns: list[tuple[str, dict[str, Cost]]] = []
        self._filled = 0

    async def load(self, title: str, rate: float) -> None:
        """Send creates, and keep what they cost as a column of the table."""
        costs, text = await steady_costs(self._stack, rate, self._options.seconds)
        self._columns.append((title, costs))
        print(f"\n== {title}\n{text}", flush=True)
        self.print_tables()

    async def fill(self, rows: int) -> None:
        """Fill the tables up to so many rows, and wait until stream and index have all of them."""
        began = time.monotonic()
        async with await psycopg.AsyncConnection.connect(self._settings.direct_dsn, autocommit=True) as connection:
            await connection.execute("SET statement_timeout = 0")
            for first in range(self._filled + 1, rows + 1, FILL_BATCH):
                last = min(rows, first + FILL_BATCH - 1)
                values = {"first": first, "last": last, "stream": self._settings.subject_prefix}
                await connection.execute(FILL, values)
            self._filled = rows
            print(f"\n{rows:,} rows filled after {time.monotonic() - began:.0f} s", flush=True)
            await self._wait_for_the_worker(began)
            await self._describe(connection)

    async def _wait_for_the_worker(self, began: float) -> None:
        url = f"{self._settings.search_url}/{self._settings.search_index}/_count"
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            while (await client.get(url)).json()["count"] < self._filled:
                assert time.monotonic() - began < MOVE_LIMIT_S, "the index did not get every row"
                await asyncio.sleep(1.0)
        print(f"in stream and index after {time.monotonic() - began:.0f} s", flush=True)

    async def _describe(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        print(f"{'table':<20} {'MB':>8} {'indexes MB':>11}")
        for name, table_bytes, index_bytes in await (await connection.execute(SIZES)).fetchall():
            print(f"{name!s:<20} {int(str(table_bytes)) / 2**20:>8.0f} {int(str(index_bytes)) / 2**20:>11.0f}")
        for title, question in QUESTIONS.items():
            began = time.perf_counter()
            await (await connection.execute(question.encode())).fetchall()
            print(f"{title:<44} {(time.perf_counter() - began) * 1e3:>8.1f} ms")
        store = self._stack.logs.parent / "run" / "nats" / "jetstream"
        stream_bytes = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
        print(f"{'the event stream on disk':<44} {stream_bytes / 2**20:>8.0f} MB", flush=True)

    async def forget(self) -> None:
        """Print what forgetting costs: first when nothing is old, then of rows that all are."""
        pids = {row.name: row.pid for row in await self._stack.rows() if row.name == PRIMARY}
        retention = PostgresRetention(self._settings.direct_dsn, self._settings.subject_prefix)
        began = time.perf_counter()
        await retention.forget(keep_s=self._settings.keep_s, limit=FORGET_BATCH)
        print(f"\na round of the retention that finds nothing old: {(time.perf_counter() - began) * 1e3:.1f} ms")
        before, began, count, longest_s = look(pids)[PRIMARY], time.perf_counter(), 0, 0.0
        while True:
            batch_began = time.perf_counter()
            forgotten = await retention.forget(keep_s=0.0, limit=FORGET_BATCH)
            longest_s = max(longest_s, time.perf_counter() - batch_began)
            if not forgotten.events and not forgotten.keys:
                break
            count += forgotten.events + forgotten.keys
        seconds = time.perf_counter() - began
        cpu_us = (look(pids)[PRIMARY].cpu_s - before.cpu_s) / max(count, 1) * 1e6
        print(
            f"{count:,} old rows forgotten in {seconds:.1f} s: {count / seconds:,.0f} rows/s, {cpu_us:.1f} us of"
            f" {PRIMARY} a row, the longest batch {longest_s * 1e3:.0f} ms"
        )
        await retention.close()

    def print_tables(self) -> None:
        """CPU and memory: a line a component, a column a load."""
        for title, value in (
            ("CPU us a write", lambda cost: cost.cpu_us),
            ("memory MB", lambda cost: cost.memory_bytes / 2**20),
        ):
            print(f"\n{title:<20}" + "".join(f" {name:>15}" for name, _ in self._columns))
            for component in self._columns[0][1]:
                print(f"{component:<20}" + "".join(f" {value(costs[component]):>15.0f}" for _, costs in self._columns))
            stack = [
                sum(value(cost) for name, cost in costs.items() if name != GENERATOR) for _, costs in self._columns
            ]
            print(f"{'stack':<20}" + "".join(f" {total:>15.0f}" for total in stack), flush=True)


def numbers(text: str) -> list[int]:
    """The numbers of a list with commas."""
    return [int(number) for number in text.split(",") if number]


async def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=numbers, default=[100, 500, 1000, 2000])
    parser.add_argument("--rows", type=numbers, default=[100_000, 1_000_000])
    parser.add_argument("--rate", type=float, default=500.0, help="of the loads after each filling")
    parser.add_argument("--seconds", type=float, default=15.0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        state = Path(directory) / "state"
        async with running_stack(state, StackOptions(), on_exit=lambda ended: print(ended.describe())) as stack:
            settings = Settings.load(state / "run" / "worker-1" / "settings.json")
            growth = Growth(stack, settings, options)
            for rate in options.rates:
                await growth.load(f"{rate:,}/s", rate)
            for rows in options.rows:
                await growth.fill(rows)
                await growth.load(f"{rows:,} rows", options.rate)
            await growth.forget()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
