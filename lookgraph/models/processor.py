"""What the processor is, as far as it matters to runtimes."""

import platform
from dataclasses import dataclass
from pathlib import Path

_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}
"""The flags of Linux for instructions that compute in bfloat16, on x86 and on Arm."""

_SUMS = {"avx512_vnni", "avx_vnni"}
"""Those of x86 for instructions that add up products of 8 bits in 32."""


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor.

    Attributes:
        name: as its maker calls it.
        bfloat16: whether it computes in bfloat16; None if that is not known.
        int8: whether it adds up products of 8 bits without cutting off what is over 16, as x86
            does without VNNI; None if that is not known.
    """

    name: str
    bfloat16: bool | None
    int8: bool | None


def this_processor() -> Processor:
    """The one that this runs on."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return Processor(platform.processor() or platform.machine(), None, None)
    return parse(text)


def parse(cpuinfo: str) -> Processor:
    """The first processor in the text of Linux' ``/proc/cpuinfo``."""
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    flags = set(fields.get("flags", fields.get("features", "")).split())
    # Arm has no name here, but numbers that stand for one.
    parts = (fields.get(name, "") for name in ("cpu implementer", "cpu part"))
    name = fields.get("model name") or " ".join(part for part in parts if part)
    return Processor(
        name or platform.machine(),
        bool(_BFLOAT16 & flags) if flags else None,
        bool(_SUMS & flags or "features" in fields) if flags else None,
    )
