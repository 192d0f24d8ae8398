"""Creates that need what exists already, and names that are no free text."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.harness.check import Check
from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile
from createflow.schemas.profile_file import ProfileError
from createflow.schemas.profile_target import Target
from createflow.schemas.report import Outcome
from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.lawful_run import SCHEMA, run
from tests.scenarios.malformed_server import Habit, malformed_server, reply

_CODE = {**SCHEMA["properties"], "name": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{5}$"}}
_SLUG = {**SCHEMA["properties"], "name": {"type": "string", "pattern": "^[a-z][a-z0-9-]{2,14}$", "maxLength": 15}}
_FAST = [check for check in CHECKS if check.id.startswith(("response.", "validation.", "business_logic."))]
_FAST = [check for check in _FAST if not check.disturbs and not check.waits]
_QUICK_IDS = {"response.create_is_201", "response.reads_show_writes", "validation.missing_name_is_400"}
_QUICK = [check for check in _FAST if check.id in _QUICK_IDS]


class Shop:
    """A service of customers and orders: an order needs the number of a customer."""

    def __init__(self) -> None:
        self.customers: dict[int, str] = {}
        self.orders: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.refuses_removal = False

    def __call__(self, request: bytes) -> bytes:
        """Answer one request."""
        head, _, body = request.partition(b"\r\n\r\n")
        method, path, _ = head.decode().split("\r\n")[0].split(" ")
        who = "with" if b"x-api-key: k" in head.lower() else "without"
        self.requests.append(f"{method} {path.partition('?')[0]} {who}")
        if method == "POST" and path == "/customers":
            self.customers[40 + len(self.customers)] = body.decode()
            number = max(self.customers)
            return reply(
                "201 Created", json.dumps({"id": number}).encode(), headers=f"location: /customers/{number}\r\n"
            )
        if method == "POST" and path == "/orders":
            order = json.loads(body)
            if order.get("customer") not in self.customers:
                return reply("422 Unprocessable Content", b'{"detail": "no such customer"}')
            self.orders.append(order)
            return reply("201 Created", json.dumps({**order, "id": len(self.orders)}).encode())
        if method == "DELETE" and path.startswith("/customers/"):
            if self.refuses_removal:
                return reply("409 Conflict", b"{}")
            self.customers.pop(int(path.rpartition("/")[2]), None)
            return reply("204 No Content", b"")
        return reply("200 OK", b"{}")


def _ordered(shop: Habit, setup: list[dict[str, Any]], body: Mapping[str, Any], creates: int = 2) -> tuple[str, ...]:
    """Create orders as a run does. Returns what is left behind."""

    async def ordered() -> tuple[str, ...]:
        async with malformed_server(shop) as url:
            target = {"base_url": url, "path": "/orders", "body": body, "fields": {"name": "note"}}
            auth = {"kind": "api_key", "writer_env": "SHOP_KEY"}
            profile = Profile.model_validate({"target": target, "setup": setup, "auth": auth})
            async with (probes := ProbeSet(profile, "r1", Mask())):
                asked = probes.target_by("writer")
                for _ in range(creates):
                    assert (await asked.create(asked.contract.document())).accepted
                return (await probes.finish()).listed

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SHOP_KEY", "k-secret")
        return asyncio.run(ordered())


_BODY = {
    "customer": "{customer}",
    "note": "of {run_id}",
    "line": {"sku": "S-{marker}", "at": "{now}"},
    "n": "{counter}",
}
_CUSTOMER = {
    "path": "/customers",
    "body": {"email": "{marker}@example.com", "key": "{uuid}"},
    "capture": {"customer": "/id"},
    "remove": "/customers/{customer}",
}


def test_a_body_has_what_set_up_requests_made() -> None:
    """With its type, beside what each body gets anew; what the set-up made is removed at the end."""
    shop = Shop()
    assert _ordered(shop, [_CUSTOMER], _BODY) == ()
    first, second = shop.orders
    assert (first["customer"], first["n"], second["n"] - first["n"]) == (40, first["n"], 1)
    assert first["line"]["sku"] != second["line"]["sku"]
    assert first["note"].split()[-1] == first["line"]["sku"].removeprefix("S-")
    assert shop.customers == {}
    assert shop.requests[-1] == "DELETE /customers/40 with"


@pytest.mark.parametrize(
    ("capture", "remove"),
    [
        ({"customer": "/id", "place": "@header:Location"}, "{place}"),
        ({"customer": "/id", "last": "@location"}, {"path": "/customers/{last}", "method": "DELETE"}),
    ],
)
def test_a_header_of_the_reply_can_be_captured(capture: dict[str, str], remove: object) -> None:
    """A variable alone is the URL itself."""
    shop = Shop()
    assert _ordered(shop, [{**_CUSTOMER, "capture": capture, "remove": remove}], _BODY, creates=1) == ()
    assert shop.customers == {}


def test_a_set_up_request_need_not_have_a_credential() -> None:
    """Neither has its removal then."""
    shop = Shop()
    _ordered(shop, [{**_CUSTOMER, "sender": "nobody"}], _BODY, creates=1)
    assert (shop.requests[1], shop.requests[-1]) == ("POST /customers without", "DELETE /customers/40 without")


def test_what_cannot_be_removed_is_told() -> None:
    """By the request that made it."""
    shop = Shop()
    shop.refuses_removal = True
    told = _ordered(shop, [_CUSTOMER], _BODY, creates=1)
    assert told == ("the removal of setup request 1, DELETE /customers/{customer}: answered 409",)


def test_what_was_made_is_removed_though_the_set_up_fails() -> None:
    """What was not made is not."""
    shop = Shop()
    missing = {**_CUSTOMER, "capture": {"other": "/no"}, "remove": "/customers/{other}"}
    with pytest.raises(UserError, match="setup request 2, POST /customers: nothing to capture at /no"):
        _ordered(shop, [_CUSTOMER, missing], _BODY)
    assert [line for line in shop.requests if line.startswith("DELETE")] == ["DELETE /customers/40 with"]


def test_a_removal_goes_to_no_other_origin() -> None:
    """Whatever a reply names."""
    shop = Shop()

    def answer(request: bytes) -> bytes:
        made = shop(request)
        return made.replace(b"location: /customers", b"location: http://192.0.2.1/customers")

    request = {**_CUSTOMER, "capture": {"customer": "/id", "place": "@header:Location"}, "remove": "{place}"}
    told = _ordered(answer, [request], _BODY, creates=1)
    assert "the Location is on http://192.0.2.1" in told[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('body = { customer = "{custmer}" }', "did you mean {customer}?"),
        ('path = "/orders/{custoner}"', "did you mean {customer}?"),
        ('body = { name = "{markr}" }', "did you mean {marker}?"),
    ],
)
def test_a_misspelt_variable_is_told(tmp_path: Path, text: str, told: str) -> None:
    """Before anything is sent; other text in braces is none."""
    file = tmp_path / "createflow.toml"
    setup = '[[setup]]\npath = "/customers"\ncapture = { customer = "/id" }\n'
    file.write_text(f'{setup}[target]\nbase_url = "http://x"\n{text}\n')
    with pytest.raises(ProfileError, match=told.replace("?", r"\?")):
        profile_file.load(file, {})
    file.write_text(f'{setup}[target]\nbase_url = "http://x"\nbody = {{ name = "{{whatever}} {{a b}}" }}\n')
    assert profile_file.load(file, {}).target.body == {"name": "{whatever} {a b}"}


@pytest.mark.parametrize(
    ("properties", "checks"),
    [
        (_CODE, _QUICK),
        (_SLUG, _QUICK),
        pytest.param(_CODE, _FAST, marks=pytest.mark.thorough),
        pytest.param(_SLUG, _FAST, marks=pytest.mark.thorough),
    ],
    ids=["codes", "slugs", "codes in all checks", "slugs in all checks"],
)
def test_a_service_of_codes_is_told_nothing(properties: dict[str, Any], checks: list[Check]) -> None:
    """Every name has the form of its field."""
    report = asyncio.run(run(Habits(), checks, schema={**SCHEMA, "properties": properties}))
    told = {one.id: one.finding for one in report.results if one.finding is not None}
    assert told == {}
    assert sum(one.outcome is Outcome.PASSED for one in report.results) > len(checks) / 2


def test_unique_keys_differ_in_all_bodies(tmp_path: Path) -> None:
    """By format, pattern and type; without a schema by what the value looks like."""
    (tmp_path / "s.json").write_text(
        json.dumps(
            {
                "required": ["name", "email", "code", "number"],
                "properties": {
                    "name": {"type": "string"},
                    "email": {"$ref": "#/$defs/email"},
                    "code": {"type": "string", "pattern": "^[A-Z]{4}[0-9]{4}$"},
                    "number": {"type": "integer", "minimum": 1000, "maximum": 9999},
                },
                "$defs": {"email": {"type": "string", "format": "email"}},
            }
        )
    )
    fields = {"unique": ["email", "code", "number"]}
    target = {"base_url": "http://x", "schema_file": str(tmp_path / "s.json"), "fields": fields}
    contract = Contract(Target.model_validate(target))
    bodies = [contract.document() for _ in range(30)]
    assert contract.misfits(bodies) == [""] * 30
    for name in fields["unique"]:
        assert len({body[name] for body in bodies}) == 30
    own = {"base_url": "http://x", "body": {"name": "x", "email": "a@b.de"}, "fields": {"unique": ["email"]}}
    made = [Contract(Target.model_validate(own)).document()["email"] for _ in range(2)]
    assert made[0] != made[1]
    assert all(text.endswith("@example.com") for text in made)
