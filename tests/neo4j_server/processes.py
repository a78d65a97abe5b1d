"""The server's process, told by the folder that it works in."""

import os
import signal
import subprocess
import time
from pathlib import Path

_POLL_SECONDS = 0.02


def is_server(pid: int, home: Path) -> bool:
    """Whether a process with this number is there and is the server of this folder."""
    return f"--home-dir={home}" in _arguments(pid)


def end(pid: int, home: Path, number: signal.Signals) -> None:
    """Send a signal, if it is that server still."""
    if is_server(pid, home):
        os.kill(pid, number)


def wait_for_end(pid: int, home: Path, seconds: float) -> bool:
    """Whether it has ended within that time."""
    until = time.monotonic() + seconds
    while is_server(pid, home):
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _arguments(pid: int) -> list[str]:
    """How it was called; nothing of a process that has ended, reaped or not."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            return []
    told = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return told.stdout.split()
