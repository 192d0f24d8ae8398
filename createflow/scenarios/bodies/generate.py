"""Create bodies from a JSON Schema: many valid and invalid ones, the same for the same seed.

These functions take as much time and memory as the schema makes them take, so the tester uses ``bounded``.
"""

import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from createflow.scenarios.bodies.judge import Judge

_WRONG: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**6, "", " ", "x" * 50, [], ["x"], {}, {"x": 1}, [[]], "null")


_TEXT = "createflow"
_LEAST_TRIES = 100
_ENOUGH_S = 4.0
"""Of processor time; the bodies that have been found by then are used."""


class _Enough(BaseException):
    """Ends Hypothesis, which handles only an Exception itself."""


def generate_valid_bodies(schema: dict[str, Any], seed: int, count: int, *, besides: str = "") -> list[dict[str, Any]]:
    """Bodies that the schema allows, with values that every store can hold.

    Args:
        schema: JSON Schema 2020-12.
        seed: the same seed generates the same bodies.
        count: at most this many; fewer when few are possible, or when they take more than 4 s of processor time.
        besides: the bodies differ in more than this field, which the caller fills.

    Raises:
        ValueError: none was found.
    """
    # Imported here, because it takes longer than most commands.
    from hypothesis import HealthCheck, Phase, configuration, given, settings
    from hypothesis import seed as hypothesis_seed

    from createflow.scenarios.bodies.strategy import Strategies

    judge = Judge(schema, with_formats=True)
    found: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = []

    end_s = time.process_time() + _ENOUGH_S

    @hypothesis_seed(seed)
    @settings(
        max_examples=max(count * 6, _LEAST_TRIES),
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(Strategies(schema).of(schema))
    def collect(body: Any) -> None:
        if isinstance(body, dict) and judge.fits(body):
            rest = {name: value for name, value in body.items() if name != besides}
            if rest not in seen:
                seen.append(rest)
                found.append(body)
        if len(found) == count or time.process_time() > end_s:
            raise _Enough

    with tempfile.TemporaryDirectory() as folder:
        # The caches of Hypothesis must be neither in the user's directory nor in the next run.
        configuration.set_hypothesis_home_dir(folder)
        with suppress(_Enough):
            collect()
    if not found:
        raise ValueError("none was found that it allows")
    return found


def first_valid_body(schema: dict[str, Any]) -> dict[str, Any]:
    """The body that the tester sends first, always the same one: no text in it is empty where it need not be.

    Raises:
        ValueError: none was found.
    """
    body = generate_valid_bodies(schema, seed=0, count=1)[0]
    filled = _without_empty_texts(body)
    return filled if isinstance(filled, dict) and Judge(schema, with_formats=True).fits(filled) else body


def _without_empty_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty_texts(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_empty_texts(one) for one in value]
    return _TEXT if value == "" else value


def generate_invalid_bodies(
    schema: dict[str, Any], good: list[dict[str, Any]], seed: int
) -> list[tuple[dict[str, Any], str]]:
    """Each valid body with one error in it, and a description of the error."""
    seeded = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    judge = Judge(schema, with_formats=False)
    found = []
    for body in good:
        for _ in range(20):
            bad, error = _with_error(schema, body, seeded)
            if not judge.fits(bad):
                found.append((bad, error))
                break
    return found


def fitting(schema: dict[str, Any], name: str, values: Sequence[Any]) -> list[bool | None]:
    """Whether each value fits a property of the schema; ``None`` where only its format says that it does not."""
    if name not in schema.get("properties", {}):
        return [True for _ in values]
    judges = [Judge(schema, part=("properties", name), with_formats=with_formats) for with_formats in (False, True)]
    verdicts = [tuple(judge.fits(value) for judge in judges) for value in values]
    return [verdict[0] if verdict[0] == verdict[1] else None for verdict in verdicts]


def misfits(schema: dict[str, Any], values: Sequence[Any]) -> list[str]:
    """For each body, the first reason why it does not fit the schema or a format in it; empty if it fits."""
    judge = Judge(schema, with_formats=True)
    return [str(judge.misfit(value) or "") for value in values]


def _with_error(schema: dict[str, Any], body: dict[str, Any], seeded: random.Random) -> tuple[dict[str, Any], str]:
    required = [name for name in schema.get("required", []) if name in body]
    if required and seeded.random() < 0.2:
        name = seeded.choice(required)
        return {key: value for key, value in body.items() if key != name}, f"no {name}"
    name = seeded.choice(sorted(schema.get("properties", {})) or ["unknown"])
    prop = schema.get("properties", {}).get(name)
    longest = prop.get("maxLength") if isinstance(prop, dict) else None
    if isinstance(longest, int) and longest < 10_000 and seeded.random() < 0.3:
        more = seeded.randint(1, 20)
        return {**body, name: "x" * (longest + more)}, f"{name} of {longest + more} characters"
    wrong = seeded.choice(_WRONG)
    return {**body, name: wrong}, f"{name} = {wrong!r}"
