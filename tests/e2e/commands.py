"""The installed command, run in processes of its own, and what is to be seen of a library after."""

import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lookgraph import Library

COMMAND = Path(sys.executable).with_name("lookgraph")

SAME_BITS = ("--runtime", "onnxruntime")
"""For runs of which not one bit may differ: otherwise each takes the runtime that is the fastest as
far as is known by then, and another one adds up in another order."""

Argument: TypeAlias = "str | bytes | Path"

_PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[bytes]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def lookgraph(
    *arguments: Argument,
    cwd: Path | None = None,
    code: int = 0,
    prefix: Sequence[Argument] = (),
    env: Mapping[str, str] | None = None,
    within: float = _PATIENCE_SECONDS,
) -> Done:
    """Run the command to its end; it must end with this exit status, and without a traceback."""
    done = subprocess.run(
        [*prefix, COMMAND, *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=within,
        check=False,
    )
    said = done.stderr.decode()
    assert "Traceback" not in said, said
    assert done.returncode == code, (done.returncode, said, done.stdout)
    return Done(done.returncode, done.stdout, said)


def start(
    *arguments: Argument, cwd: Path | None = None, session: bool = False
) -> "subprocess.Popen[str]":
    """Begin to run the command; in a session of its own, with all that it starts, if so wanted."""
    return subprocess.Popen(
        [COMMAND, *arguments],
        cwd=cwd,
        start_new_session=session,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(happened: Any, within: float = 20.0) -> None:
    """Wait until a function says yes."""
    end = time.monotonic() + within
    while not happened():
        assert time.monotonic() < end, f"{happened} did not happen within {within} s"
        time.sleep(0.01)


_IN_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def in_a_terminal(*arguments: Argument, cwd: Path, term: str = "xterm-256color") -> Done:
    """Run the command in a terminal of 100 columns; `out` is all that appears there."""
    ours, theirs = pty.openpty()
    hints = ("TMUX", "STY", "TERM_PROGRAM", "LC_TERMINAL", "KITTY_WINDOW_ID", "NO_COLOR", "CI")
    env = {name: value for name, value in os.environ.items() if name not in hints}
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_A_TERMINAL, COMMAND, *arguments],
        cwd=cwd,
        env={**env, "TERM": term, "COLUMNS": "100", "LINES": "40"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen, end = b"", time.monotonic() + _PATIENCE_SECONDS
    try:
        while select.select([ours], [], [], max(0.0, end - time.monotonic()))[0]:
            seen += os.read(ours, 1 << 16)
    except OSError:
        pass  # how Linux says that the other side has gone
    finally:
        os.close(ours)
    return Done(process.wait(_PATIENCE_SECONDS), seen, "")


def spread(photographs: Path, count: int) -> list[Path]:
    """So many of the photographs, of every kind."""
    found = sorted(photographs.rglob("*.jpg"))
    return [found[i * len(found) // count] for i in range(count)]


def fill(folder: Path, photographs: Iterable[Path]) -> Path:
    """A folder with copies of photographs, each in a folder by what it shows."""
    for photograph in photographs:
        place = folder / photograph.parent.name / photograph.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photograph, place)
    return folder


class Numbers:
    """An embedding, which equals another of the same picture from the same network.

    Their last bits may differ where not both were made with `SAME_BITS`.
    """

    def __init__(self, embedding: np.ndarray) -> None:
        self._numbers = embedding.astype(np.float32)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Numbers):
            return NotImplemented
        # Two units in the last place of float16; 1e-5 for those that are nearly 0.
        return np.allclose(self._numbers, other._numbers, rtol=2**-9, atol=1e-5)

    def __hash__(self) -> int:
        return len(self._numbers)


def held(folder: Path, at: Path | None = None) -> dict[str, object]:
    """All that the library of a folder knows: its files, their pictures and their embeddings."""
    library = Library.open(folder, at=at)
    known: dict[str, object] = {
        entry.path: (entry.stamp.size, entry.skip) for entry in library.skipped()
    }
    for embedded in library.store.embedded(library.space()):
        for entry in embedded.entries:
            numbers = Numbers(embedded.embedding)
            known[entry.path] = (entry.stamp.size, embedded.picture, numbers)
    return known


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder, and the files' bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def rows_file(folder: Path) -> Path:
    """The one file of rows in the library of a folder."""
    (found,) = (folder / ".lookgraph" / "rows").iterdir()
    return found


def png(width: int, height: int, compressed: bytes = b"") -> bytes:
    """A PNG file whose header says this size (PNG 1.2, 5), with this as its pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        sum_ = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", sum_)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", compressed), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
