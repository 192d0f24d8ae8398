"""What each check costs, for ``createflow doctor``: requests, creates and seconds of a run on the bundled stack.

``createflow run --report json=run.json && python benchmarks/typical_costs.py run.json``, on a quiet machine.
"""

# ruff: noqa: INP001 - a script, not a module of the package
import json
import sys
from pathlib import Path

FILE = Path(__file__).parents[1] / "createflow" / "scenarios" / "conformance" / "typical_costs.json"


def main(report: Path) -> None:
    """Write the file of the package."""
    results = json.loads(report.read_text(encoding="utf-8"))["results"]
    lines = [
        f'  "{one["id"]}": [{one["requests"]}, {one["created"]}, {round(one["duration_ms"] / 1000, 1)}]'
        for one in results
    ]
    FILE.write_text("{\n" + ",\n".join(sorted(lines)) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
