"""Ends every process of a stack when the stack's owner is gone, however it went.

Run as ``python -I -S guardian.py DIRECTORY... [--remove DIRECTORY...]`` with a pipe from the owner as standard input.
The pipe reaches its end when the owner dies, SIGKILL included. Processes are known by their working directory and
their standard error, both inside the directories: the owner starts each one so. Unlike the environment or the command
line, which PostgreSQL and Valkey overwrite with their titles, neither can be lost by accident, and both are inherited
by whatever the process forks. Either alone would not do: somebody's shell may stand in a directory of the stack, and
somebody may follow a log. It also finds processes that are stopped by SIGSTOP and would never notice anything by
themselves.

The standard library alone, and little of it: this must start in milliseconds and must not fail.
"""

import os
import signal
import sys
import time

_QUIET_SCANS = 3
"""Scans that must find nothing, so that a child caught between fork and chdir is seen by a later one."""

_LONGEST_S = 10.0


def main(directories: list[str], remove: list[str]) -> None:
    """Wait for the end of standard input, kill until nothing is left, and remove what nobody else would."""
    # A Ctrl-C in the terminal is the owner's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while os.read(0, 1024):
        pass
    roots = tuple(os.path.realpath(directory) for directory in [*directories, *remove])
    quiet = 0
    give_up = time.monotonic() + _LONGEST_S
    while quiet < _QUIET_SCANS and time.monotonic() < give_up:
        found = _living_in(roots)
        quiet = 0 if found else quiet + 1
        for pid in found:
            _kill(pid)
        time.sleep(0.05)
    for directory in remove:
        import shutil  # only now: it is not needed before

        shutil.rmtree(directory, ignore_errors=True)


def _living_in(roots: tuple[str, ...]) -> list[int]:
    pids = []
    for entry in os.listdir("/proc"):  # noqa: PTH208 - pathlib costs more to import than all of this
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            cwd = os.readlink(f"/proc/{entry}/cwd")  # noqa: PTH115 - as above
            says = os.readlink(f"/proc/{entry}/fd/2")  # noqa: PTH115 - as above
        except OSError:  # gone meanwhile, a zombie, or another user's
            continue
        if _is_in(roots, cwd) and _is_in(roots, says):
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
    words = [*sys.argv[1:], "--remove"]
    main(words[: words.index("--remove")], [word for word in words[words.index("--remove") :] if word != "--remove"])
