"""Which GPUs the machine has, as far as the operating system says without their drivers' tools."""

import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
"""The numbers of makers in PCI (https://pci-ids.ucw.cz)."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU, or several of one maker.

    Attributes:
        maker: ``NVIDIA``, ``AMD``, ``Intel`` or ``Apple``.
    """

    maker: str


def this_machines_gpus() -> list[Gpu]:
    """Those that can be seen; on Windows none, where only a runtime can say."""
    if sys.platform == "darwin":
        return [Gpu("Apple")] if platform.machine() == "arm64" else []
    return find_gpus(Path("/"))


def find_gpus(root: Path) -> list[Gpu]:
    """Those that Linux shows, one for each maker.

    Args:
        root: the folder that has ``dev``, ``proc`` and ``sys``.
    """
    return [Gpu(maker) for maker in sorted(set(_makers(root)))]


def _makers(root: Path) -> Iterator[str]:
    # In a container NVIDIA's may be there without /sys/class/drm.
    if (root / "proc/driver/nvidia/version").exists() or (root / "dev/nvidia0").exists():
        yield "NVIDIA"
    # Graphics cards without a node for computing only draw.
    for node in root.glob("dev/dri/renderD*"):
        try:
            number = (root / "sys/class/drm" / node.name / "device/vendor").read_text().strip()
        except (OSError, ValueError):
            continue
        if number in _VENDORS:
            yield _VENDORS[number]
