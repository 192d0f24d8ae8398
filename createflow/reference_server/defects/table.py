"""The tables of all seeded defects: ``python -m createflow.reference_server.defects.table docs/defects.md``."""

import sys
from pathlib import Path

from createflow.reference_server.defects.registry import DEFECTS
from createflow.reference_server.defects.slow import SLOW
from createflow.schemas.flow import Step

_SLOW_HEAD = """\
No promise is broken, so `createflow run` finds nothing. `createflow bench` says in which part the slowest replies spend
their time.

| defect | is in | what takes time |
|---|---|---|
"""
MARKER = "<!-- made by python -m createflow.reference_server.defects.table docs/defects.md -->\n"


def defect_tables() -> str:
    """Return one table a step, in the order of the flow."""
    parts: list[str] = []
    for step in Step:
        defects = [defect for defect in DEFECTS.values() if defect.step is step]
        rows = "".join(f"| `{defect.name}` | {defect.seed.process} | {defect.breaks} |\n" for defect in defects)
        head = "| defect | is in | what the server then does wrong |\n|---|---|---|\n"
        parts.append(f"\n### {step.number}. {step.value}\n\n{head}{rows}" if rows else "")
    rows = "".join(f"| `{name}` | {defect.seed.process} | {defect.breaks} |\n" for name, defect in SLOW.items())
    parts.append(f"\n### What only takes time\n\n{_SLOW_HEAD}{rows}")
    return "".join(parts)


def main() -> None:
    """Write the tables into the document, after the marker."""
    file = Path(sys.argv[1])
    head, marker, _ = file.read_text(encoding="utf-8").partition(MARKER)
    if not marker:
        raise SystemExit(f"{file} has no line {MARKER.strip()}")
    file.write_text(head + marker + defect_tables(), encoding="utf-8")


if __name__ == "__main__":
    main()
