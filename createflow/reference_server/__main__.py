"""``python -m createflow.reference_server KIND SETTINGS``: one process of the reference, started by the stack."""

import sys
from importlib import import_module
from pathlib import Path

from createflow.reference_server.process.run import run
from createflow.schemas.error import UserError


def main() -> None:
    """Build the process of this kind and run it until SIGTERM. Only what that kind needs is imported."""
    kind, settings_file = sys.argv[1:]
    if kind not in {"gateway", "service", "worker"}:
        raise SystemExit(f"no such process: {kind}")
    module = import_module(f"createflow.reference_server.{kind}.build")
    try:
        run(Path(settings_file), module.build, drain_s=getattr(module, "DRAIN_S", 0.0))
    except UserError as error:
        raise SystemExit(f"{error.message}; {error.hint}") from None


if __name__ == "__main__":
    main()
