"""Create bodies from a JSON Schema: one example, or many valid and invalid bodies, the same for the same seed."""

import asyncio
import json
import random
import sys
import tempfile
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema_specifications import REGISTRY

_WRONG: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**6, "", " ", "x" * 50, [], ["x"], {}, {"x": 1}, [[]], "null")


_EXAMPLES_OF_FORMATS = {
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00Z",
    "email": "createflow@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def validator_of(schema: dict[str, Any]) -> Draft202012Validator:
    """A validator that fetches nothing: by default jsonschema downloads what a ``$ref`` names."""
    return Draft202012Validator(schema, registry=REGISTRY)


def example_of(schema: dict[str, Any]) -> Any:
    """A valid value of a simple schema; ``None`` when only an example in the schema could tell one."""
    if "const" in schema:
        return schema["const"]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    made: Any = schema.get("default")
    kind = schema.get("type")
    match next((name for name in kind if name != "null"), None) if isinstance(kind, list) else kind:
        case "string" if "pattern" not in schema:
            made = _example_text(schema)
        case "integer" | "number":
            made = schema.get("minimum", min(1, schema.get("maximum", 1)))
        case "boolean":
            made = False
        case "array" if not schema.get("minItems"):
            made = []
    return made


def _example_text(schema: dict[str, Any]) -> Any:
    if "format" in schema:
        return _EXAMPLES_OF_FORMATS.get(schema["format"], schema.get("default"))
    least, most = schema.get("minLength", 0), schema.get("maxLength", 200)
    return "made by a createflow run".ljust(least, ".")[: max(most, 0)]


async def generate_valid_bodies(
    schema: dict[str, Any], seed: int, count: int, *, besides: str = ""
) -> list[dict[str, Any]]:
    """The same as ``generate_valid_bodies_here``, in a process of its own.

    Why: Hypothesis sets the interpreter's global random state, which would disturb the checks that run concurrently.

    Raises:
        RuntimeError: the process failed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    request = {"schema": schema, "seed": seed, "count": count, "besides": besides}
    try:
        output, errors = await process.communicate(json.dumps(request).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(errors.decode("utf-8", "replace")[-2000:])
    bodies: list[dict[str, Any]] = json.loads(output)
    return bodies


def generate_valid_bodies_here(
    schema: dict[str, Any], seed: int, count: int, *, besides: str = ""
) -> list[dict[str, Any]]:
    """Bodies that the schema allows, with values that every store can hold.

    Args:
        schema: JSON Schema 2020-12.
        seed: the same seed generates the same bodies.
        count: at most this many; fewer when few are possible.
        besides: the bodies differ in more than this field, which the caller fills.
    """
    # Imported here, because it takes longer than most commands.
    from hypothesis import HealthCheck, Phase, configuration, given, settings
    from hypothesis import seed as hypothesis_seed

    from createflow.scenarios.bodies.strategy import strategy_of

    validator = validator_of(schema)
    found: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = []

    @hypothesis_seed(seed)
    @settings(
        max_examples=count * 6,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy_of(schema))
    def collect(body: Any) -> None:
        if len(found) < count and isinstance(body, dict) and validator.is_valid(body):
            rest = {name: value for name, value in body.items() if name != besides}
            if rest not in seen:
                seen.append(rest)
                found.append(body)

    with tempfile.TemporaryDirectory() as folder:
        # The caches of Hypothesis must be neither in the user's directory nor in the next run.
        configuration.set_hypothesis_home_dir(folder)
        collect()
    return found


def generate_invalid_bodies(
    schema: dict[str, Any], good: list[dict[str, Any]], seed: int
) -> list[tuple[dict[str, Any], str]]:
    """Each valid body with one error in it, and a description of the error."""
    seeded = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    validator = validator_of(schema)
    found = []
    for body in good:
        for _ in range(20):
            bad, error = _with_error(schema, body, seeded)
            if not validator.is_valid(bad):
                found.append((bad, error))
                break
    return found


def _with_error(schema: dict[str, Any], body: dict[str, Any], seeded: random.Random) -> tuple[dict[str, Any], str]:
    required = [name for name in schema.get("required", []) if name in body]
    if required and seeded.random() < 0.2:
        name = seeded.choice(required)
        return {key: value for key, value in body.items() if key != name}, f"no {name}"
    name = seeded.choice(sorted(schema.get("properties", {})) or ["unknown"])
    longest = schema.get("properties", {}).get(name, {}).get("maxLength")
    if isinstance(longest, int) and longest < 10_000 and seeded.random() < 0.3:
        more = seeded.randint(1, 20)
        return {**body, name: "x" * (longest + more)}, f"{name} of {longest + more} characters"
    wrong = seeded.choice(_WRONG)
    return {**body, name: wrong}, f"{name} = {wrong!r}"


if __name__ == "__main__":
    request = json.load(sys.stdin)
    made = generate_valid_bodies_here(request["schema"], request["seed"], request["count"], besides=request["besides"])
    json.dump(made, sys.stdout)
