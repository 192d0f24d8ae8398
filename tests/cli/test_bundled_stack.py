"""The table of components stays readable at 80 columns."""

from rich.console import Console

from createflow.cli.bundled_stack import components_table

ROWS = [
    {
        "name": "postgres-replica-1",
        "address": "https://localhost:65535",
        "status": "starting",
        "pid": 4194304,
        "note": "a long note that a narrow terminal has no room for",
    },
    {"name": "nats", "address": "127.0.0.1:1", "status": "died", "pid": 0, "note": ""},
]


def drawn(width: int) -> list[str]:
    """The table as plain lines."""
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(components_table(ROWS))
    return capture.get().splitlines()


def test_a_narrow_terminal_cuts_the_note_and_nothing_else() -> None:
    """Who, where and how it is must be whole."""
    lines = drawn(80)
    assert max(map(len, lines)) <= 80
    for whole in ("postgres-replica-1", "https://localhost:65535", "starting", "4194304"):
        assert whole in lines[1]
    assert ROWS[0]["note"] not in lines[1]


def test_a_wide_terminal_shows_it_all_and_a_dead_process_has_no_number() -> None:
    """At 120 columns."""
    lines = drawn(120)
    assert ROWS[0]["note"] in lines[1]
    assert lines[2].split() == ["nats", "127.0.0.1:1", "died", "-"]
