"""What people wait for each time: a command from its start to its end."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import material
from benchmarks.measure import Figure, Process, lookgraph, median, run
from lookgraph.models.registry import DEFAULT_MODEL, find_model

_ROWS = 100_000


def figures(folder: Path, work: Path) -> Iterator[Figure]:
    """Measure all, in a folder for what is needed on the way."""
    yield _seconds("lookgraph --help", median(lookgraph("--help")), 0.15)
    photographs = material.copy_of(folder, work / "photographs")
    run(lookgraph("index", photographs, "--quiet"))
    yield _seconds("index again, photographs", median(_index(photographs)), 0.6)
    stranger = _stranger(photographs, work)
    yield _seconds(
        f"search, {len(material.photographs(photographs)):,} pictures",
        median(_search(stranger, photographs)),
        0.8,
    )
    many = work / "small"
    exchanged = material.small_files(many, _ROWS, find_model(DEFAULT_MODEL).space())
    run(lookgraph("import", exchanged, many))
    yield _seconds(f"index again, {_ROWS:,} files", median(_index(many)), 5.0)
    yield _seconds(f"search, {_ROWS:,} rows", median(_search(stranger, many)), 1.0)
    shutil.rmtree(many)
    exchanged.unlink()
    yield _installed_size(work)


def _index(folder: Path) -> list[str]:
    return lookgraph("index", folder, "--quiet")


def _search(picture: Path, folder: Path) -> list[str]:
    return lookgraph("search", picture, "--library", folder)


def _stranger(photographs: Path, work: Path) -> Path:
    """A picture that no library holds, so that it must be embedded."""
    content = material.photographs(photographs)[0].read_bytes()
    stranger = work / "stranger.jpg"
    stranger.write_bytes(content + b"another")
    return stranger


def _seconds(name: str, process: Process, target: float) -> Figure:
    detail = {"processor seconds": process.cpu, "peak MB": process.peak_mb}
    return Figure(name, process.wall, "s", target, False, detail)


def _installed_size(work: Path) -> Figure:
    """What `pip install` of this checkout puts into an empty environment, compiled files too."""
    place = work / "environment"
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    before = _megabytes(place)
    root = Path(__file__).parents[1]
    subprocess.run([place / "bin" / "pip", "install", "--quiet", root], check=True)
    size = _megabytes(place) - before
    shutil.rmtree(place)
    return Figure("installed size without extras", size, "MB", 300, False)


def _megabytes(folder: Path) -> float:
    blocks = sum(file.lstat().st_blocks for file in folder.rglob("*"))
    return blocks * 512 / 1e6
