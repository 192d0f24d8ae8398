"""What a load process brings with it."""

import subprocess
import sys


def test_a_load_process_loads_neither_reports_nor_the_command_line() -> None:
    """There is one on every core of every machine: what only the parent needs would be in each of them."""
    code = (
        "from createflow.scenarios.load.node import master, worker; import sys;"
        "print({'pydantic', 'typer', 'rich', 'httpx', 'psycopg', 'redis'} & set(sys.modules))"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "set()"
