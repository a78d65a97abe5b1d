"""Ends a server when whoever started it has gone, however that came.

::

    python -m tests.neo4j_server.watcher FOLDER [--remove]

waits until its standard input closes, which the kernel does for a process that was killed, too.
Whoever ends the server writes a word first; then there is nothing to do.
"""

import shutil
import signal
import sys
from pathlib import Path

from tests.neo4j_server.processes import end, wait_for_end

_PATIENCE_SECONDS = 30


def main() -> None:
    """Wait, end the server, and remove its folder if that was asked for."""
    folder = Path(sys.argv[1])
    if sys.stdin.read():
        return
    pid = folder / "pid"
    if pid.exists():
        number = int(pid.read_text())
        end(number, folder, signal.SIGKILL)
        wait_for_end(number, folder, _PATIENCE_SECONDS)
    if "--remove" in sys.argv[2:]:
        shutil.rmtree(folder, ignore_errors=True)  # it may be gone already


if __name__ == "__main__":
    main()
