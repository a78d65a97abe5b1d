"""Embeddings to search in: those of random crops of photographs, and more that are like them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import material
from lookgraph.config import usable_cores
from lookgraph.models.embedder import Embedder, normalise, open_embedder
from lookgraph.models.registry import DEFAULT_MODEL, find_model
from lookgraph.types import Integers, Matrix, Pixels

_BLOCK = 10_000
_AREA = (0.08, 1.0)
_SHAPE = (3 / 4, 4 / 3)
"""Of a crop: its share of the picture, and its width by its height, as in torchvision's
``RandomResizedCrop``."""


@dataclass(frozen=True, slots=True)
class Crops:
    """Embeddings of crops, shape (n, d), and the number of the photograph that each is of, (n,)."""

    embeddings: Matrix
    photographs: Integers


def of_crops(folder: Path, count: int, kept: Path) -> Crops:
    """Embed so many random crops, as evenly many of each photograph as can be.

    Args:
        folder: of photographs.
        count: how many crops.
        kept: an NPZ file that they are kept in, and read from where it is there: a hundred
            thousand take a quarter of an hour.
    """
    if not kept.exists():
        crops = _embed(material.photographs(folder), count)
        np.savez(
            kept, embeddings=crops.embeddings.astype(np.float16), photographs=crops.photographs
        )
    with np.load(kept) as found:
        crops = Crops(found["embeddings"].astype(np.float32), found["photographs"])
    if len(crops.embeddings) != count:
        raise SystemExit(f"{kept} holds {len(crops.embeddings)} crops, not {count}: remove it.")
    return crops


def _embed(files: Sequence[Path], count: int) -> Crops:
    model = find_model(DEFAULT_MODEL)
    embedder = open_embedder(model, model.space(), callers=usable_cores(), pictures=1000)
    numbers = np.sort(np.arange(count) % len(files))

    def embed(number: int) -> Matrix:
        generator = np.random.default_rng(number)
        with Image.open(files[number]) as opened:
            whole = opened.convert("RGB")
        wanted = int((numbers == number).sum())
        return _in_batches(embedder, [_crop(whole, embedder, generator) for _ in range(wanted)])

    with ThreadPoolExecutor(usable_cores()) as pool:
        found = list(pool.map(embed, range(len(files))))
    return Crops(np.concatenate(found), numbers)


def _in_batches(embedder: Embedder, prepared: Sequence[Pixels]) -> Matrix:
    size = embedder.batch
    batches = [
        embedder.embed(prepared[start : start + size]) for start in range(0, len(prepared), size)
    ]
    return np.concatenate([np.empty((0, embedder.space.dimension), np.float32), *batches])


def _crop(whole: Image.Image, embedder: Embedder, generator: np.random.Generator) -> Pixels:
    area = generator.uniform(*_AREA) * whole.width * whole.height
    shape = np.exp(generator.uniform(*np.log(_SHAPE)))
    width = min(whole.width, max(1, round((area * shape) ** 0.5)))
    height = min(whole.height, max(1, round((area / shape) ** 0.5)))
    left = int(generator.integers(whole.width - width + 1))
    top = int(generator.integers(whole.height - height + 1))
    return embedder.prepare(whole.crop((left, top, left + width, top + height)))


def extended(crops: Crops, count: int, seed: int) -> Iterator[Matrix]:
    """More embeddings, like those of crops, but each its own: blocks, ``count`` rows together.

    Each is normalise(relu(a + u (b - a) + 0.5 (c - d))), where a and b are crops of one
    photograph, c and d of another, and u is even in [0, 1]: something between two views of one
    thing, moved as another thing moves between two of its own. No two are alike, and the tenth
    nearest is hardly further than the first, so they are harder to tell apart than photographs.
    """
    generator = np.random.default_rng(seed)
    counts = np.bincount(crops.photographs)
    first = np.cumsum(counts) - counts
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        a, b = _two_of_one(first, counts, size, generator)
        c, d = _two_of_one(first, counts, size, generator)
        u = generator.random((size, 1), np.float32)
        x = crops.embeddings
        yield normalise(np.maximum(x[a] + u * (x[b] - x[a]) + 0.5 * (x[c] - x[d]), 0))


def _two_of_one(
    first: Integers, counts: Integers, size: int, generator: np.random.Generator
) -> tuple[Integers, Integers]:
    photographs = generator.integers(len(counts), size=size)
    one, other = (
        first[photographs] + generator.integers(counts[photographs], size=size) for _ in range(2)
    )
    return one, other
