"""Paths and settings. Nothing else in the package reads the environment."""

import functools
import os
import sys
from collections.abc import Mapping
from pathlib import Path

LIBRARY_FOLDER = ".lookgraph"
"""The name of the folder, inside the folder of pictures, that holds a library."""

RECALL = 0.99
"""The share of the true neighbours that a search finds, if nothing else is asked for."""


def cache_folder() -> Path:
    """The user's folder for things that can be made again, such as built networks.

    ``LOOKGRAPH_CACHE`` if set; otherwise what the platform says (the XDG Base Directory
    Specification on Linux). The folder need not exist yet.
    """
    if chosen := os.environ.get("LOOKGRAPH_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "lookgraph"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "lookgraph"
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification says that a relative path here is invalid and to be ignored.
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "lookgraph"


@functools.cache
def usable_cores() -> int:
    """How many cores this process may use: its affinity mask and its control group's CPU quota.

    It is found out once: a search asks for it, and the files are read in a tenth of its time.
    The host's own number is wrong under taskset, a cpuset or a container's limit.
    """
    if not hasattr(os, "sched_getaffinity"):  # macOS and Windows
        return os.cpu_count() or 1
    cores = len(os.sched_getaffinity(0))
    quota = cgroup_cores(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    return cores if quota is None else min(cores, quota)


def cgroup_cores(membership: Path, mount: Path) -> int | None:
    """How many cores the control groups of a process grant, rounded up; None for no limit.

    A group has no more than those above it, so the least quota on the way up counts. A file that
    is not there or not what it should be is no limit (cgroups(7); in the kernel's documentation,
    admin-guide/cgroup-v2 and scheduler/sched-bwc).

    Args:
        membership: ``/proc/PID/cgroup``: lines of number:controllers:path, of which version 2 has
            one, without controllers.
        mount: where control groups are mounted: those of version 1 in a folder for each controller.
    """
    try:
        lines = membership.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    quotas = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            quotas += [_quota(folder / "cpu.max") for folder in _upward(mount, path)]
        elif "cpu" in controllers.split(","):
            for root in (mount / controllers, mount / "cpu"):
                quotas += [
                    _quota(folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us")
                    for folder in _upward(root, path)
                ]
    return min((quota for quota in quotas if quota is not None), default=None)


def _upward(root: Path, path: str) -> list[Path]:
    """A group's folder and those above it, up to the root's.

    In a container, the path may be as the host sees it, and the container's own group is mounted
    as the root: folders that are not there have no quota, and the root's is read in any case.
    """
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return [root.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _quota(*files: Path) -> int | None:
    """The cores that the files of one group grant: a quota and a period, in microseconds."""
    try:
        quota, period = " ".join(file.read_text(encoding="utf-8") for file in files).split()
        granted, each = int(quota), int(period)  # "max", or -1, for no limit
    except (OSError, ValueError):
        return None
    return max(1, -(-granted // each)) if granted > 0 and each > 0 else None


def set_defaults(settings: Mapping[str, str]) -> None:
    """Settings of a library that reads them from the environment; what the user has set stays.

    Processes that are started from now on have them, too.
    """
    for name, value in settings.items():
        os.environ.setdefault(name, value)


def neo4j_password() -> str | None:
    """The password of a Neo4j database, if the environment has one."""
    return os.environ.get("LOOKGRAPH_NEO4J_PASSWORD") or os.environ.get("NEO4J_PASSWORD")


def milvus_password() -> str | None:
    """The password of a Milvus server, if the environment has one."""
    return os.environ.get("LOOKGRAPH_MILVUS_PASSWORD") or None


def service_token() -> str | None:
    """What requests to a service have to bring, if the environment has it."""
    return os.environ.get("LOOKGRAPH_TOKEN") or None


_TERMINAL_HINTS = (
    "TERM",
    "TERM_PROGRAM",
    "LC_TERMINAL",
    "KITTY_WINDOW_ID",
    "GHOSTTY_RESOURCES_DIR",
    "TMUX",
    "STY",
)


def terminal_hints() -> dict[str, str]:
    """What the environment says of the terminal: those of `_TERMINAL_HINTS` that are set."""
    return {name: os.environ[name] for name in _TERMINAL_HINTS if os.environ.get(name)}
