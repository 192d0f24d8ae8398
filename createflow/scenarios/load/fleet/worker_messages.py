"""What load workers say about their part of a run, looked into before it is believed.

A worker that joined from another machine may be anybody's. Each number must be one that a worker can have counted, and
nothing needs more memory than the run itself does. What is not valid costs the worker that sent it.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from createflow.scenarios.load.accounting.ledger import Ledger
from createflow.scenarios.load.accounting.recorder import outcomes_from_wire
from createflow.scenarios.load.accounting.server_timing import MAX_METRICS, MAX_NAME_CHARACTERS
from createflow.scenarios.load.accounting.tail_recorder import (
    ROWS_PER_MESSAGE,
    SAMPLE_MAX,
    SLOW_MAX,
    TailRow,
    Times,
    rows_from_wire,
)
from createflow.scenarios.load.plan.created import CreatedRow
from createflow.scenarios.load.plan.messages import Document, MessageRefused, NodeConfig, NodeState
from createflow.schemas.operation import Operation

_MAX_NUMBER = 1e15
_MAX_TEXT = 255
_MAX_PATH_CHARACTERS = 8_192
_MAX_ID_CHARACTERS = 1_024
_MAX_ROWS = 10_000
_SLACK_S = 60.0
"""A worker's clock may be so far ahead of the parent's."""
_MAX_PER_S = 100_000
"""More than a worker can send, see ``plan.options``."""
_KINDS = frozenset({"ready", "tick", "final"})
_LOCATIONS = frozenset({"malformed", "elsewhere"})


class Arrivals:
    """The outcomes of one worker's arrivals, as they come at the end of the run."""

    def __init__(self) -> None:
        self.values = bytearray()
        self.limit = 0
        """As many arrivals as the worker can have had."""

    def add(self, part: object) -> None:
        """Add a part. Raises MessageRefused when it is none, or too much."""
        try:
            self.values += outcomes_from_wire(part)
        except ValueError as error:
            raise MessageRefused(str(error)) from None
        if len(self.values) > self.limit:
            raise MessageRefused(f"the outcomes of more than {self.limit} arrivals")

    def require_complete(self, state: NodeState) -> None:
        """Raises MessageRefused when a final message comes with other arrivals than it counts."""
        if state.kind == "final" and state.due_in_warmup > len(self.values):
            raise MessageRefused("a warm-up longer than the run")


class KeptReplies:
    """The single replies that one worker kept, as they come at the end of the run."""

    def __init__(self) -> None:
        self.rows: list[TailRow] = []

    def add(self, part: object) -> None:
        """Add a part. Raises MessageRefused when it is none, or too much."""
        if not isinstance(part, dict) or set(part) != {"names", "rows"}:
            raise MessageRefused("kept replies that are none")
        names, rows = part["names"], part["rows"]
        if not isinstance(names, list) or not isinstance(rows, list) or len(rows) > ROWS_PER_MESSAGE:
            raise MessageRefused("kept replies that are no list")
        if len(names) > MAX_METRICS * ROWS_PER_MESSAGE or not all(map(_is_metric, names)):
            raise MessageRefused("names of metrics that are none")
        if not all(_is_kept_reply(row, len(names)) for row in rows):
            raise MessageRefused("a kept reply that is none")
        if len(self.rows) + len(rows) > SLOW_MAX + SAMPLE_MAX:
            raise MessageRefused(f"more than {SLOW_MAX + SAMPLE_MAX} kept replies")
        self.rows += rows_from_wire(names, rows)


def _is_metric(name: object) -> bool:
    return _is_name(name) and 0 < len(str(name)) <= MAX_NAME_CHARACTERS and str(name).isascii()


def _is_kept_reply(row: object, names: int) -> bool:
    if not isinstance(row, list) or not all(_is_number(value) and value >= 0 for value in row):
        return False
    fixed = 4 + len(Times._fields)
    numbers, metrics = row[:4], row[fixed:]
    return (
        len(row) >= fixed
        and len(metrics) % 2 == 0
        and len(metrics) <= 2 * MAX_METRICS
        and all(map(_is_count, (*numbers, *metrics[::2])))
        and numbers[1] < len(Operation)
        and all(number < names for number in metrics[::2])
    )


def count_arrivals(config: NodeConfig) -> int:
    """As many arrivals as a worker can have: those of its schedule, or what it can send at most in a closed model."""
    if config.closed:
        return math.ceil((config.schedule.duration_s + 1) * _MAX_PER_S)
    # A stage may begin or end between two arrivals.
    expected = config.schedule.arrival_count(0.0, config.schedule.duration_s) / config.node_count
    # Ten standard deviations more than a Poisson process has on average.
    return math.ceil(expected + (10 * math.sqrt(expected) + 100 if config.poisson else 1))


def node_state(document: object, index: int, *, now_s: float) -> NodeState:
    """The state that a worker sent.

    Args:
        document: as it came.
        index: of the worker that sent it.
        now_s: seconds since the start of the run, by the parent's clock.

    Raises:
        MessageRefused: it is none.
    """
    if not isinstance(document, dict):
        raise MessageRefused("a state that is not an object")
    known = {field.name for field in fields(NodeState)}
    if unknown := set(document) - known:
        raise MessageRefused(f"a state with unknown fields: {', '.join(sorted(map(repr, unknown)))[:200]}")
    try:
        state = NodeState(**document)
    except TypeError:
        raise MessageRefused("a state that lacks fields") from None
    _require_valid(state, index, now_s)
    return state


def created_rows(message: Document, key: str = "created") -> tuple[list[CreatedRow], int]:
    """What a worker created, and how many resources more. Raises MessageRefused."""
    rows, beyond = message[key], message.get("beyond")
    if not isinstance(rows, list) or len(rows) > _MAX_ROWS or not _is_count(beyond):
        raise MessageRefused("created resources that are no list")
    if not all(map(_is_row, rows)):
        raise MessageRefused("a created resource that is none")
    return [CreatedRow(*row) for row in rows], int(beyond or 0)


def _is_row(row: object) -> bool:
    if not isinstance(row, list) or len(row) != len(CreatedRow._fields):
        return False
    k, path, resource_id = row
    return (
        _is_count(k)
        and isinstance(path, str)
        and isinstance(resource_id, str)
        and len(path) <= _MAX_PATH_CHARACTERS
        and len(resource_id) <= _MAX_ID_CHARACTERS
        and (not path or (path.startswith("/") and path.isascii() and path.isprintable() and " " not in path))
        and (not resource_id or resource_id.isprintable())
    )


def _require_valid(state: NodeState, index: int, now_s: float) -> None:
    for field in fields(NodeState):
        value = getattr(state, field.name)
        if field.type is int:
            valid = _is_count(value)
        elif field.type is float:
            valid = _is_number(value) and (value >= 0 or field.name == "now_s")
        elif field.name in _OTHERS:
            valid = _OTHERS[field.name](value)
        else:
            raise TypeError(f"no rule for {field.name}")
        if not valid:
            raise MessageRefused(f"a state whose {field.name} is not valid: {value!r:.80}")
    if state.index != index:
        raise MessageRefused("a state of another worker")
    if state.now_s > now_s + _SLACK_S:
        raise MessageRefused(f"a state of second {state.now_s:.0f}, which is still to come")
    if state.ledger is not None:
        _require_ledger(state)


def _require_ledger(state: NodeState) -> None:
    """Require that a ledger can have been counted."""
    try:
        ledger = Ledger.from_wire(state.ledger or {})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MessageRefused(f"a ledger that is none: {type(error).__name__}: {error!s:.100}") from None
    histograms = [ledger.pacing, ledger.connect]
    for counters in (*ledger.warmup.values(), *ledger.measured.values()):
        histograms += [
            counters.nameless,
            counters.unanswered,
            counters.service,
            counters.lag,
            *counters.replies.values(),
        ]
        numbers = [*counters.counts(), *counters.statuses.values(), *counters.errors.values()]
        statuses = all(type(one) is int and 100 <= one < 1000 for one in (*counters.statuses, *counters.replies))
        kinds = all(isinstance(kind, str) and kind.isprintable() and len(kind) <= _MAX_TEXT for kind in counters.errors)
        if not statuses or not kinds or not all(map(_is_count, numbers)):
            raise MessageRefused("a ledger with numbers that nobody counts")
        if not counters.can_balance(final=state.kind == "final"):
            raise MessageRefused("a ledger that does not balance")
    if not _is_count(ledger.sent) or not all(histogram.is_valid for histogram in histograms):
        raise MessageRefused("a ledger with numbers that nobody counts")


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MAX_NUMBER


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _MAX_NUMBER


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT and value.isprintable()


def _are_locations(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) <= _LOCATIONS and all(map(_is_count, value.values()))


_OTHERS: dict[str, Any] = {
    "kind": lambda value: isinstance(value, str) and value in _KINDS,
    "host": _is_name,
    "unusable_locations": _are_locations,
    "ledger": lambda value: value is None or isinstance(value, dict),
}
"""The rules of what is neither a count nor a number, by the name of the field."""
