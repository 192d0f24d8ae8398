"""The machine that the load comes from, as reports hold it, and whether the target runs on it too."""

import ipaddress
import math
import os
import platform
import socket
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from createflow.scenarios.load.host.proc import ROOT, find_field, parse_number, read_text
from createflow.schemas.load_report import Machine

_PACKAGES = ("createflow", "locust", "gevent")


def describe_machine(*, same_host: bool = False, steal_ratio: float = 0.0, root: Path = ROOT) -> Machine:
    """This machine, as a report holds it.

    Args:
        same_host: the target runs on it too.
        steal_ratio: share of the CPU time of the run that the hypervisor gave to other machines.
        root: the root directory, for tests.
    """
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
    """Number of cores that this process may use: CPU affinity and the cgroup's quota count."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        cores = os.cpu_count() or 0
    quota = _quota(root)
    return min(cores, max(1, math.ceil(quota))) if math.isfinite(quota) else cores


def _cpu_model(root: Path) -> str:
    text = read_text(root / "proc/cpuinfo")
    if model := find_field(text, "model name"):
        return model
    # ARM has numbers instead of a name.
    parts = [find_field(text, "CPU implementer"), find_field(text, "CPU part")]
    return " ".join(filter(None, [platform.machine(), *parts])) if text else ""


def _memory_mb(root: Path) -> int:
    installed_mb = int(parse_number(find_field(read_text(root / "proc/meminfo"), "MemTotal"))) // 1024
    limit = read_text(root / "sys/fs/cgroup/memory.max").strip()
    return min(installed_mb, int(limit) >> 20) if limit.isdecimal() else installed_mb


def _quota(root: Path) -> float:
    """CPU quota of the cgroup in cores; infinite without a quota."""
    cgroup = root / "sys/fs/cgroup"
    values = read_text(cgroup / "cpu.max").split()
    if not values:  # cgroup v1
        values = [
            read_text(cgroup / "cpu/cpu.cfs_quota_us").strip(),
            read_text(cgroup / "cpu/cpu.cfs_period_us").strip(),
        ]
    if len(values) == 2 and values[0].isdecimal() and values[1].isdecimal() and int(values[1]):
        return int(values[0]) / int(values[1])
    return math.inf


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def runs_on_this_machine(url: str) -> bool:
    """Whether an address of the URL's host belongs to this machine; False when the name cannot be resolved.

    The call blocks as long as the resolver does. The address of a container on this machine does not belong to it.
    """
    try:
        host = urlsplit(url).hostname
        found = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM) if host else []
    except (OSError, ValueError):
        return False
    return any(_is_own(family, address) for family, _, _, _, address in found)


def _is_own(family: int, address: tuple[object, ...]) -> bool:
    ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
    if ip.is_loopback or ip.is_unspecified:
        return True
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            # Connecting a datagram socket sends nothing. To its own address a machine connects from that address.
            probe.connect(address)
            return bool(probe.getsockname()[0] == address[0])
    except OSError:
        return False
