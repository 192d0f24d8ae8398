"""Whether processes are there."""

import psutil


def alive(pid: int) -> bool:
    """Running, stopped or asleep; a zombie is not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
