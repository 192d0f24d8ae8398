"""What a load process imports."""

import subprocess
import sys


def test_a_load_process_imports_only_what_it_needs() -> None:
    """There is one on every core of every machine."""
    code = (
        "from createflow.scenarios.load.node import master, worker; import sys;"
        "print({'pydantic', 'typer', 'rich', 'httpx', 'psycopg', 'redis'} & set(sys.modules))"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "set()"
