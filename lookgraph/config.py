"""Paths and settings. Nothing else in the package reads the environment."""

import os
import sys
from pathlib import Path

LIBRARY_FOLDER = ".lookgraph"
"""The name of the folder, inside the folder of pictures, that holds a library."""


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


def usable_cores() -> int:
    """How many cores this process may use: its affinity mask and its control group's CPU quota.

    The host's own number is wrong under taskset, a cpuset or a container's limit.
    """
    if not hasattr(os, "sched_getaffinity"):  # macOS and Windows
        return os.cpu_count() or 1
    cores = len(os.sched_getaffinity(0))
    quota = _cgroup_quota(Path("/sys/fs/cgroup/cpu.max"))
    return max(1, min(cores, quota)) if quota else cores


def _cgroup_quota(file: Path) -> int | None:
    """The number of cores that a version 2 control group grants, rounded up; None for no limit."""
    try:
        quota, period = file.read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else -(-int(quota) // int(period))


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
