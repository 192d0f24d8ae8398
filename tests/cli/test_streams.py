"""What cannot be written to a standard stream is dropped."""

import os
import subprocess
import sys

SLOW_READER = """
import os, sys
from createflow.cli.streams import lost_output, protect_standard_streams
os.set_blocking(1, False)
protect_standard_streams()
print("x" * 1_000_000)
assert lost_output() == ""
"""
CLOSED = """
import os, socket, sys
from createflow.cli.streams import protect_standard_streams
protect_standard_streams()
with socket.socket() as opened:
    assert opened.fileno() > 2, "a socket took the place of a standard stream"
print("nobody reads this")
"""


def test_a_reader_that_is_slow_gets_everything() -> None:
    """Also when somebody made the stream non-blocking, as some CI systems do."""
    done = subprocess.run([sys.executable, "-c", SLOW_READER], capture_output=True, timeout=60, check=True)
    assert len(done.stdout) == 1_000_001


def test_no_file_takes_the_number_of_a_closed_stream() -> None:
    """Otherwise our output would go into it."""
    script = f"exec {sys.executable} -c '{CLOSED}' <&- >&- 2>&-"
    assert subprocess.run(["bash", "-c", script], timeout=60, check=False, env=os.environ).returncode == 0
