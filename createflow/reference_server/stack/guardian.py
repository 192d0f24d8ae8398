"""Ends every process of a stack when the stack's owner is gone, however it went.

Run as ``python -I -S guardian.py DIRECTORY... [--remove DIRECTORY...]`` with a pipe from the owner as standard input.
The pipe is closed when the owner ends, also by SIGKILL. A process of the stack is one whose working directory and
standard error are both inside the directories: the owner starts each one like that. PostgreSQL and Valkey overwrite
their environment and command line with titles, but these two stay and are inherited by forks. Neither would do alone: a
user's shell may be in a directory of the stack, and a user may follow a log. Processes that are stopped by SIGSTOP are
found as well.

It imports little, and only from the standard library, so that it starts in milliseconds and cannot fail.
"""

import os
import signal
import sys
import time

_QUIET_SCANS = 3
"""Scans that must find nothing: a child between fork and chdir is found by a later one."""

_LONGEST_S = 10.0


def main(directories: list[str], remove: list[str]) -> None:
    """Wait for the end of standard input, kill the processes until none is left, and remove directories."""
    # The owner handles a Ctrl-C in the terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while os.read(0, 1024):
        pass
    roots = tuple(os.path.realpath(directory) for directory in [*directories, *remove])
    quiet = 0
    give_up = time.monotonic() + _LONGEST_S
    while quiet < _QUIET_SCANS and time.monotonic() < give_up:
        found = _find_processes(roots)
        quiet = 0 if found else quiet + 1
        for pid in found:
            _kill(pid)
        time.sleep(0.05)
    for directory in remove:
        import shutil  # only now: it is not needed before

        shutil.rmtree(directory, ignore_errors=True)


def _find_processes(roots: tuple[str, ...]) -> list[int]:
    pids = []
    for entry in os.listdir("/proc"):  # noqa: PTH208 - pathlib costs more to import than all of this
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            cwd = os.readlink(f"/proc/{entry}/cwd")  # noqa: PTH115 - as above
            stderr = os.readlink(f"/proc/{entry}/fd/2")  # noqa: PTH115 - as above
        except OSError:  # gone meanwhile, a zombie, or another user's
            continue
        if _is_in(roots, cwd) and _is_in(roots, stderr):
            pids.append(int(entry))
    return pids


def _is_in(roots: tuple[str, ...], path: str) -> bool:
    path = path.removesuffix(" (deleted)")
    return any(path == root or path.startswith(root + "/") for root in roots)


def _kill(pid: int) -> None:
    try:  # noqa: SIM105 - contextlib costs more to import than all of this
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    arguments = [*sys.argv[1:], "--remove"]
    split = arguments.index("--remove")
    main(arguments[:split], [argument for argument in arguments[split:] if argument != "--remove"])
