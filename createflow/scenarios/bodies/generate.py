"""Bodies made from a JSON Schema: the same for the same seed."""

import asyncio
import json
import random
import sys
import tempfile
from typing import Any

from jsonschema import Draft202012Validator

_WRONG: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**6, "", " ", "x" * 50, [], ["x"], {}, {"x": 1}, [[]], "null")


async def generated_bodies(schema: dict[str, Any], seed: int, count: int, *, besides: str = "") -> list[dict[str, Any]]:
    """The same as ``valid_bodies``, from a process of its own.

    Hypothesis sets the interpreter's global random state and watches it: neither goes together with other checks that
    run at the same time.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    question = {"schema": schema, "seed": seed, "count": count, "besides": besides}
    try:
        answer, complaint = await process.communicate(json.dumps(question).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(complaint.decode("utf-8", "replace")[-2000:])
    bodies: list[dict[str, Any]] = json.loads(answer)
    return bodies


def valid_bodies(schema: dict[str, Any], seed: int, count: int, *, besides: str = "") -> list[dict[str, Any]]:
    """Bodies that the schema allows, of what every store can hold; fewer when few can be made.

    They differ in more than the field ``besides``, which the caller fills.
    """
    # Imported when needed: it takes longer than most commands.
    from hypothesis import HealthCheck, Phase, configuration, given, settings
    from hypothesis import seed as seeded

    from createflow.scenarios.bodies.strategy import strategy_of

    judge = Draft202012Validator(schema)
    found: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = []

    @seeded(seed)
    @settings(
        max_examples=count * 6,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy_of(schema))
    def collect(body: Any) -> None:
        if len(found) < count and isinstance(body, dict) and judge.is_valid(body):
            rest = {name: value for name, value in body.items() if name != besides}
            if rest not in seen:
                seen.append(rest)
                found.append(body)

    with tempfile.TemporaryDirectory() as folder:
        # Its caches belong neither into the user's directory nor into the next run.
        configuration.set_hypothesis_home_dir(folder)
        collect()
    return found


def invalid_bodies(schema: dict[str, Any], good: list[dict[str, Any]], seed: int) -> list[tuple[dict[str, Any], str]]:
    """Each good body with one mistake in it, and the mistake in words."""
    chance = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    judge = Draft202012Validator(schema)
    found = []
    for body in good:
        for _ in range(20):
            bad, mistake = _spoiled(schema, body, chance)
            if not judge.is_valid(bad):
                found.append((bad, mistake))
                break
    return found


def _spoiled(schema: dict[str, Any], body: dict[str, Any], chance: random.Random) -> tuple[dict[str, Any], str]:
    required = [name for name in schema.get("required", []) if name in body]
    if required and chance.random() < 0.2:
        name = chance.choice(required)
        return {key: value for key, value in body.items() if key != name}, f"no {name}"
    name = chance.choice(sorted(schema.get("properties", {})) or ["unknown"])
    most = schema.get("properties", {}).get(name, {}).get("maxLength")
    if isinstance(most, int) and most < 10_000 and chance.random() < 0.3:
        more = chance.randint(1, 20)
        return {**body, name: "x" * (most + more)}, f"{name} of {most + more} characters"
    wrong = chance.choice(_WRONG)
    return {**body, name: wrong}, f"{name} = {wrong!r}"


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    made = valid_bodies(asked["schema"], asked["seed"], asked["count"], besides=asked["besides"])
    json.dump(made, sys.stdout)
