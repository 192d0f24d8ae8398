"""The pipe of a load process to its parent."""

import json
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


def test_messages_that_a_pipe_cannot_take_at_once_stay_whole() -> None:
    """Several greenlets send them: a state every second, and what was created."""
    code = """
from createflow.scenarios.load.node.parent_pipe import ParentPipe
import gevent
pipe = ParentPipe()
def tell(number):
    for _ in range(5):
        pipe.send({"number": number, "text": "x" * 200_000})
gevent.joinall([gevent.spawn(tell, number) for number in range(4)], raise_error=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        told = [json.loads(line)["number"] for line in child.stdout]
    assert sorted(told) == sorted(list(range(4)) * 5)
