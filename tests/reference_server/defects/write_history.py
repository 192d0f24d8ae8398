"""One history of writes, and all that a server and its stores show of it."""

import asyncio
import json
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import nats

from tests.reference_server.in_process_server import InProcessServer

SINGLE = 24
PARALLEL = 8
LATER_S = 0.7
"""Some defects touch only what is older than half a second."""
Seen = Counter[str]
"""What was seen, and how often."""


class WriteHistory:
    """Creates, updates, deletes, refusals, races and repeated keys, by one subject with a name of its own."""

    def __init__(self, server: InProcessServer) -> None:
        self.server = server
        self.mark = uuid.uuid4().hex[:12]
        self.who = f"writer-{self.mark}"
        self.places: dict[str, str] = {}
        self.requests: dict[str, str] = {}
        self.times: dict[str, str] = {}
        self.replies: Seen = Counter()
        self.begun = datetime.now(UTC)

    async def carry_out(self) -> None:
        """Send everything."""
        begun = time.monotonic()
        made = [await self.create(f"a{number}") for number in range(SINGLE)]
        made += await asyncio.gather(*(self.create(f"b{number}") for number in range(PARALLEL)))
        await asyncio.gather(*(self.create(f"of {number}", who=f"writer-{number}") for number in range(PARALLEL)))
        locations = [reply.headers.get("location", "") for reply in made]
        for number, location in enumerate(locations[:12]):
            await self.update(f"c{number}", location, **{"if-match": '"1"'})
            await self.send("read", "GET", location)
        for location in locations[:3]:
            await self.update("stale", location, **{"if-match": '"1"'})
        await asyncio.gather(*(self.update("race", locations[12], **{"if-match": '"1"'}) for _ in range(4)))
        await self.update("of another", locations[13], who="somebody-else")
        await self.send("delete of another", "DELETE", locations[13], who="somebody-else")
        for number in range(12):
            key = {"idempotency-key": f"{self.mark}-{number}"}
            first = await self.create(f"k{number}", **key)
            await self.create(f"k{number}", **key)
            if number == 0:
                await self.update("after key", first.headers["location"])
                await self.create("k0", **key)
        await asyncio.gather(*(self.create("same", **{"idempotency-key": f"{self.mark}-same"}) for _ in range(4)))
        await self.send("invalid", "POST", "/api/resources", json={"name": f"{self.mark} no", "surprise": 1})
        await self.send("stale delete", "DELETE", locations[14], **{"if-match": '"7"'})
        for label in ("once", "at once again"):
            await self.update(label, locations[23])
        await self._further(locations[13])
        twins = [await self.create("twin") for _ in range(2)]
        await self.update("of a twin", twins[0].headers.get("location", ""))
        twins = [await self.create("other twin") for _ in range(2)]
        await self.send("delete of a twin", "DELETE", twins[0].headers.get("location", ""))
        for location in locations[15:30]:
            await self.send("read", "GET", location)
            await self.send("delete", "DELETE", location)
            await self.send("gone", "GET", location)
        while time.monotonic() - begun < LATER_S:
            await self.send("read", "GET", locations[0])
        await self.create("k99", **{"idempotency-key": f"{self.mark}-99"})
        await self.create("k1", **{"idempotency-key": f"{self.mark}-1"})
        for number in range(12):
            latest = await self.create(f"d{number}")
            await self.send("read at once", "GET", latest.headers.get("location", ""))
        for location in locations[:15]:
            await self.send("last read", "GET", location)

    async def _further(self, location: str) -> None:
        """Writes that keep the name or have a long one, large ones, and a key whose resource is deleted."""
        kept = await self.create("kept")
        await self.update("kept", kept.headers.get("location", ""))
        await self.create("large")
        await self.create("empty")
        await self.update("long" * 30, location)
        key = {"idempotency-key": f"{self.mark}-deleted"}
        gone = await self.create("with a key", **key)
        await self.send("delete with a key", "DELETE", gone.headers.get("location", ""))
        await self.create("with a key", **key)

    async def create(self, label: str, **headers: str) -> httpx.Response:
        """POST, and remember the id."""
        reply = await self.send(label, "POST", "/api/resources", json=self.body(label), **headers)
        if reply.status_code == 201:
            self.places.setdefault(reply.json()["id"], label)
        return reply

    async def update(self, label: str, location: str, *, who: str = "", **headers: str) -> httpx.Response:
        """PUT."""
        body = self.body(label) | {"metadata": {"changed": True}, "description": f"changed {label} " + "x" * 80}
        return await self.send(label, "PUT", location, json=body, who=who, **headers)

    def body(self, label: str) -> dict[str, Any]:
        """Values that something could cut, round, trim, rename, leave out or replace."""
        if label == "empty":
            return {"name": f"{self.mark} empty", "description": "", "metadata": {}}
        return {
            "name": f"{self.mark} {label} \ufb01Ne \U0001f600",
            "description": f"  {label} " + "long text " * 40,
            "metadata": {
                "number": 2**53 + 1,
                "ratio": 1.5,
                "label": label,
                "list": [1, None, True, 1 / 3],
                "a.b": "",
                "": [],
                **({"large": "x" * 9_000, "camelCase": 1} if label == "large" else {}),
            },
        }

    async def send(self, label: str, method: str, url: str, *, json: Any = None, who: str = "", **headers: str) -> Any:
        """Send one request, and note what its reply shows."""
        request_id = uuid.uuid4().hex
        self.requests[request_id] = f"{method} {label}"
        whole = {**self.server.as_user(who or self.who), "x-request-id": request_id, **headers}
        reply = await self.server.http.request(method, url, json=json, headers=whole)
        shown = self.shown(reply.json()) if reply.content and reply.status_code < 400 else reply.status_code
        if method == "POST" and reply.status_code == 201:
            # Every document of a resource has the time of its create.
            self.times.setdefault(reply.json()["id"], reply.json()["created_at"])
        if not label.startswith("race"):
            self.note(self.replies, f"reply to {method} {label}", reply.status_code, reply.headers.get("etag"), shown)
        else:
            self.note(self.replies, f"reply to {method} {label}", reply.status_code)
        return reply

    def note(self, seen: Seen, *what: Any) -> None:
        """Count a line, without what differs in each history."""
        text = json.dumps(what, sort_keys=True, default=str).replace(self.mark, "MARK")
        for key, label in self.places.items():
            text = text.replace(key, f"id of {label}")
        for key, label in self.requests.items():
            text = text.replace(key, f"request {label}")
        seen[text] += 1

    def shown(self, document: dict[str, Any]) -> dict[str, Any]:
        """A representation, with its time told as right or wrong."""
        known = self.times.get(document.get("id", ""), document.get("created_at"))
        return {
            name: ("as created" if value == known else "other") if name == "created_at" else value
            for name, value in document.items()
            if name != "id"
        }

    def moment(self, value: datetime) -> str:
        """Whether a time lies in this history."""
        margin = timedelta(seconds=30)
        return "now" if self.begun - margin < value < datetime.now(UTC) + margin else "wrong time"

    async def look(self) -> Seen:
        """Look into every store."""
        return await self.look_into_tables() + await self.look_behind_them()

    async def look_into_tables(self) -> Seen:
        """Look at rows and audit entries: what is committed does not come later."""
        seen: Seen = Counter()
        server, ids = self.server, list(self.places)
        for row in await server.rows(
            "SELECT id::text, name, description, metadata, created_by, version, deleted_at IS NULL, created_at"
            " FROM resources WHERE starts_with(name, %(mark)s)",
            mark=self.mark,
        ):
            self.note(seen, "row", row[0] in self.places, *row[1:7], self.moment(row[7]))
        for row in await server.rows(
            "SELECT resource_id::text, actor, action, outcome, request_id, occurred_at, action <> 'create' AND"
            " EXISTS (SELECT FROM resources r WHERE r.id = resource_id AND r.created_at = occurred_at) FROM audit_log"
            " WHERE resource_id::text = ANY (%(ids)s) OR actor = %(who)s OR request_id = ANY (%(requests)s)",
            ids=ids,
            who=self.who,
            requests=list(self.requests),
        ):
            self.note(seen, "audit", row[0] in self.places, *row[:5], self.moment(row[5]), row[6])
        return seen

    async def look_behind_them(self) -> Seen:
        """Look at events, cache and index."""
        seen: Seen = Counter()
        server = self.server
        events = await self._events()
        times = {event["subject"]: event["time"] for event in events if event["type"].endswith("created")}
        for event in events:
            subject = event["subject"]
            at = self.moment(datetime.fromisoformat(event["time"]))
            kept = {name: event[name] for name in ("type", "version", "actor", "requestid")}
            is_first = times.get(subject) == event["time"]
            self.note(seen, "event", subject in self.places, subject, kept, self.shown(event["data"]), at, is_first)
        for key, label in self.places.items():
            cached = await server.cached(key)
            self.note(seen, "cache", label, cached and self.shown(cached))
        for key, document in await self._documents():
            self.note(seen, "document", key in self.places, key, self.shown(document))
        return seen

    async def _events(self) -> list[dict[str, Any]]:
        prefix = self.server.settings.subject_prefix
        client = await nats.connect(self.server.engines.nats_urls["probe"])
        try:
            stream = client.jetstream()
            count = (await stream.stream_info(f"{prefix.upper()}_EVENTS")).state.messages
            if not count:
                return []
            subscription = await stream.subscribe(
                f"{prefix}.events.>", stream=f"{prefix.upper()}_EVENTS", ordered_consumer=True
            )
            return [json.loads((await subscription.next_msg(timeout=5)).data) for _ in range(count)]
        finally:
            await client.close()

    async def _documents(self) -> list[tuple[str, dict[str, Any]]]:
        settings = self.server.settings
        async with httpx.AsyncClient(trust_env=False) as client:
            reply = await client.post(
                f"{settings.search_url}/{settings.search_index}/_search",
                json={"query": {"match_all": {}}, "size": 1000},
            )
            return [(hit["_id"], hit["_source"]) for hit in reply.json()["hits"]["hits"]]
