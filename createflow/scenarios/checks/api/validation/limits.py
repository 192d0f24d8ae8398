"""Limits on the size and depth of a body, and unknown fields."""

from typing import Any

from createflow.scenarios.checks.support.every_method import writes_of
from createflow.scenarios.checks.support.fixtures import created, positive_controls
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_status
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.probes import Target
from createflow.scenarios.text.in_json import in_json
from createflow.schemas.flow import Step
from createflow.schemas.report import Level
from createflow.schemas.wire import METADATA_MAX_BYTES, METADATA_MAX_DEPTH

_QUICK_S = 3.0
_DEEP = 500
_WIDE = 10_000


@check(step=Step.VALIDATION, source="contract: validation; OWASP API4:2023", catches="deep_json_crashes")
async def extreme_objects_are_answered(target: Target) -> None:
    """An object nested 500 deep or with thousands of keys is accepted or refused with a 4xx within 3 s, never a 5xx.

    The 3 s are a should.
    """
    name, lesser = free_object(target), Lesser.than_our_contract(target.contract)
    most_bytes = target.contract.max_body_bytes
    # The connection may be closed for a body above the limit; another check tests that.
    wide = _WIDE if most_bytes is None else min(_WIDE, most_bytes // 16)
    deep: dict[str, Any] = {}
    for _ in range(_DEEP):
        deep = {"d": deep}
    forms = {
        f"{_DEEP} levels of objects": deep,
        f"{_DEEP} levels of lists": {"d": _nested_list(_DEEP)},
        f"{wide:,} keys": {f"k{number}": number for number in range(wide)},
        "a key of 10,000 letters": {"k" * 10_000: 1},
    }
    async with positive_controls(target):
        for form, value in forms.items():
            reply = await target.create(target.contract.document(**{name: value}))
            expect(reply.status < 500, f"no server error to {name} with {form}", str(reply.status), reply)
            with lesser:
                told = f"an answer within {_QUICK_S:g} s to {name} with {form}"
                expect(reply.elapsed_s <= _QUICK_S, told, f"{reply.elapsed_s:.1f} s", reply)
    lesser.tell()


@check(
    step=Step.VALIDATION,
    source="contract: validation",
    catches=("metadata_unbounded", "updates_of_any_size"),
    needs=(Need.CONTRACT,),
)
async def metadata_bounds_are_exact(target: Target) -> None:
    """Metadata of exactly the maximum size and depth is accepted, and one more refused, in creates and updates."""
    if not target.contract.is_promised:
        raise NotDeclared("the schema has no limit on the size or depth of an object")
    frame = len(b'{"k":""}')
    async with positive_controls(target):
        for more in (0, 1):
            sized = {"k": "x" * (METADATA_MAX_BYTES - frame + more)}
            nested: Any = 1
            for _ in range(METADATA_MAX_DEPTH + more):
                nested = {"d": nested}
            for value, case in ((sized, "size"), (nested, "depth")):
                made = await created(target)
                for write, reply in await writes_of(target, made, target.contract.document(metadata=value)):
                    if more:
                        expect_status(reply, 400, 413, of=f"{write} with metadata of one more than the declared {case}")
                    else:
                        told = f"{write} with metadata of the declared {case} accepted"
                        expect(reply.accepted, told, str(reply.status), reply)


@check(step=Step.VALIDATION, level=Level.SHOULD, source="OWASP API3:2023", catches="unknown_null_passes")
async def unknown_fields_are_treated_alike(target: Target) -> None:
    """Unknown fields are always refused or always ignored, whatever their value."""
    if not target.contract.has_schema:
        raise NotDeclared("`target.schema_file` is not configured")
    async with positive_controls(target):
        seen: dict[str, bool] = {}
        values: tuple[Any, ...] = (True, 1, "x", "", None, [], {}, True)
        for value in values:
            reply = await target.create(target.contract.document(unknown_field=value))
            expect(reply.status < 500, f"no server error to unknown_field = {in_json(value)}", str(reply.status), reply)
            seen[in_json(value)] = reply.accepted
            expect(
                len(set(seen.values())) == 1,
                "unknown fields all refused or all passed over",
                ", ".join(f"{text}: {'accepted' if accepted else 'refused'}" for text, accepted in seen.items()),
                reply,
            )


def free_object(target: Target) -> str:
    """A field that may hold any object, and is shown. Raises NotDeclared when there is none."""
    for name, schema in target.contract.properties.items():
        is_free = schema.get("type") == "object" and "properties" not in schema and not schema.get("required")
        if is_free and target.contract.shown({name: {}}):
            return name
    raise NotDeclared("the schema has no field for any object")


def _nested_list(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested
