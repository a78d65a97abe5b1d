"""What the benchmarks run on, made from a folder of photographs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from lookgraph.exchange import npz
from lookgraph.exchange.rows import Row
from lookgraph.types import Entry, Picture, Space, Stamp


def photographs(folder: Path) -> list[Path]:
    """The JPEG files below a folder, in order."""
    return sorted(folder.rglob("*.jpg"))


def copy_of(folder: Path, place: Path) -> Path:
    """The folder's photographs alone, somewhere else, with no library."""
    shutil.rmtree(place, ignore_errors=True)
    for file in photographs(folder):
        target = place / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return place


def some_of(folder: Path, place: Path, every: int) -> Path:
    """As `copy_of`, but only every so many of them."""
    for number, file in enumerate(photographs(copy_of(folder, place))):
        if number % every:
            file.unlink()
    return place


def large_ones(folder: Path, place: Path, count: int) -> Path:
    """Photographs of 12 megapixels: enlarged, with the grain of a sensor (deviation 3 of 255)."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    grain = np.random.default_rng(0).normal(0, 3, (1000, 1000, 1))
    files = photographs(folder)
    for number, file in enumerate(files[:: max(1, len(files) // count)][:count]):
        with Image.open(file) as opened:
            size = (3000, 4000) if opened.height > opened.width else (4000, 3000)
            large = opened.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        tiled = np.tile(grain, (size[1] // 1000, size[0] // 1000, 1))
        pixels = np.clip(np.asarray(large) + tiled, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{number:03}.jpg", quality=90)
    return place


def many(folder: Path, place: Path, count: int) -> Path:
    """So many photographs, each with other bytes: copies with a number after their end."""
    shutil.rmtree(place, ignore_errors=True)
    contents = [file.read_bytes() for file in photographs(folder)]
    for number in range(count):
        target = place / f"{number // 1000:03}" / f"{number:06}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents[number % len(contents)] + number.to_bytes(8, "little"))
    return place


def small_files(place: Path, count: int, space: Space) -> Path:
    """A folder of so many small files, and beside it an NPZ file with an embedding for each.

    The embeddings are random: what is measured depends on how many there are, not on what is in
    them. To import them takes seconds where to compute them takes minutes.

    Returns:
        the NPZ file.
    """
    shutil.rmtree(place, ignore_errors=True)
    exchanged = place.with_suffix(".npz")
    npz.write(_small_files(place, count, space), space, exchanged)
    return exchanged


def _small_files(place: Path, count: int, space: Space) -> Iterator[Row]:
    generator = np.random.default_rng(0)
    for number in range(count):
        path = f"{number // 1000:03}/{number:06}.jpg"
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"\xff\xd8\xff" + number.to_bytes(8, "little"))
        found = file.stat()
        # Like those of photographs: never negative, so that no two are far apart.
        embedding = np.maximum(generator.standard_normal(space.dimension, np.float32), 0)
        embedding /= np.linalg.norm(embedding)
        picture = Picture(f"{number:064x}", "JPEG", 16, 16)
        yield Row(Entry(path, Stamp(found.st_size, found.st_mtime_ns), picture), embedding)
