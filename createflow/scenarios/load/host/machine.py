"""The machine that a load comes from: runs are compared only with runs from the like."""

import math
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from createflow.scenarios.load.host.proc import ROOT, field_of, file_text, number_of
from createflow.schemas.load_report import Machine

_PACKAGES = ("createflow", "locust", "gevent")


def fingerprint(*, same_host: bool = False, steal_ratio: float = 0.0, root: Path = ROOT) -> Machine:
    """This machine, as a report holds it."""
    return Machine(
        cpu=_cpu_model(root),
        cores=usable_cores(root),
        memory_mb=_memory_mb(root),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages={name: found for name in _PACKAGES if (found := _version(name))},
        same_host=same_host,
        steal_ratio=steal_ratio,
    )


def usable_cores(root: Path = ROOT) -> int:
    """Cores that this process may use: fewer than there are when bound to some, or when a cgroup has a quota."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        cores = os.cpu_count() or 0
    quota = _quota(root)
    return min(cores, max(1, math.ceil(quota))) if math.isfinite(quota) else cores


def _cpu_model(root: Path) -> str:
    text = file_text(root / "proc/cpuinfo")
    if model := field_of(text, "model name"):
        return model
    # ARM gives numbers instead of a name.
    parts = [field_of(text, "CPU implementer"), field_of(text, "CPU part")]
    return " ".join(filter(None, [platform.machine(), *parts])) if text else ""


def _memory_mb(root: Path) -> int:
    installed_mb = int(number_of(field_of(file_text(root / "proc/meminfo"), "MemTotal"))) // 1024
    limit = file_text(root / "sys/fs/cgroup/memory.max").strip()
    return min(installed_mb, int(limit) >> 20) if limit.isdecimal() else installed_mb


def _quota(root: Path) -> float:
    """Cores' worth of CPU time that the cgroup allows."""
    cgroup = root / "sys/fs/cgroup"
    words = file_text(cgroup / "cpu.max").split()
    if not words:  # cgroup v1
        words = [
            file_text(cgroup / "cpu/cpu.cfs_quota_us").strip(),
            file_text(cgroup / "cpu/cpu.cfs_period_us").strip(),
        ]
    if len(words) == 2 and words[0].isdecimal() and words[1].isdecimal() and int(words[1]):
        return int(words[0]) / int(words[1])
    return math.inf


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
