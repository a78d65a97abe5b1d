"""Whether changed photographs are known again as the same picture, and no others are.

It is what `Library.duplicates` says of the tier *same* that counts. The truth: a variant shows the
same as its photograph, and as others of that. No two photographs were found that are the same: of
those over the floor, the twenty or so pairs that agree most were looked at. The nearest by their
embeddings, ``skirt/02341619…`` and ``skirt/78b7da73…``, are two shots of one skirt.

While the check of pixels was made, the photographs of even and of odd numbers were told apart, and
so they are here; but both were looked at. Variants of another seed are what it had not seen.

Photographs whose colours were turned are another picture each: a product is made in red and in
blue. These are given to the check of pixels alone.
"""

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import material
from benchmarks.measure import Figure
from benchmarks.variants import KINDS, Variant, clear, recoloured, variants
from lookgraph import Library
from lookgraph.duplicates.finding import FLOOR, Duplicate
from lookgraph.ingest.decode import decode
from lookgraph.perceptual.agreement import agreements, is_same
from lookgraph.perceptual.signature import LONGEST, Signature, signature
from lookgraph.types import Integers

_VARIANTS = 2000

_CHECKED = 20_000
"""Pairs, at most, on which the check of pixels is timed."""

_TURNED = (60, 90, 120, 180)
"""Degrees by which colours are turned. From 90 on it must be noticed."""

_COLOURED = 0.08
"""Photographs of which less has a clear colour are not recoloured."""

_EVERY = 4
"""One photograph of so many is."""

Chosen = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Found:
    """What the groups say, in places among all files, photographs before variants.

    Attributes:
        keep: of each pair, the file to keep.
        other: of each pair, the file that is the same.
        originals: the photograph that each file is of.
        took_s: how long it took.
    """

    keep: Integers
    other: Integers
    originals: Integers
    took_s: float

    def right(self) -> Chosen:
        """Which of the pairs are the same picture."""
        return np.asarray(self.originals[self.keep] == self.originals[self.other])

    def precision(self, files: Chosen) -> float:
        """Of the pairs of these files, the share that is the same picture."""
        both = files[self.keep] & files[self.other]
        return float(self.right()[both].mean())

    def known(self) -> Chosen:
        """Which files are in a group with a picture of the same photograph to keep, or are it."""
        known = np.zeros(len(self.originals), np.bool_)
        right = self.right()
        known[self.other[right]] = known[self.keep[right]] = True
        return known


def quality(folder: Path, work: Path) -> Iterator[Figure]:
    """Precision and recall of the same picture among photographs and 2,000 variants of these.

    Args:
        folder: of photographs.
        work: a folder for what is needed on the way.
    """
    place = material.copy_of(folder, work / "duplicates")
    photographs = material.photographs(place)
    made = list(variants(photographs, place / "variants", _VARIANTS))
    files = [*photographs, *(variant.file for variant in made)]
    originals = np.array([*range(len(photographs)), *(variant.original for variant in made)])
    library = Library.open(place)
    library.index()
    found = _found(library, [file.relative_to(place).as_posix() for file in files], originals)
    yield from _whole(found, len(photographs))
    yield from _of_each_kind(found.known()[len(photographs) :], made)
    yield from _recoloured(photographs)
    yield _speed(library, place)


def _found(library: Library, paths: Sequence[str], originals: Integers) -> _Found:
    began = time.perf_counter()
    groups = library.duplicates(tiers=["same"])
    spent = time.perf_counter() - began
    place = {path: number for number, path in enumerate(paths)}
    pairs = [(place[keep], place[other]) for group in groups for keep, other in _pairs(group)]
    keep, other = np.array(pairs).T
    return _Found(keep, other, originals, spent)


def _pairs(group: Duplicate) -> Iterator[tuple[str, str]]:
    for other in group.others:
        yield group.keep.path, other.copy.path


def _whole(found: _Found, photographs: int) -> Iterator[Figure]:
    known, every = found.known(), np.ones(len(found.originals), np.bool_)
    even = found.originals % 2 == 0
    detail = {
        "pairs": float(len(found.keep)),
        "of these wrong": float((~found.right()).sum()),
        "even": found.precision(even),
        "odd": found.precision(~even),
        "s": found.took_s,
    }
    yield Figure("same picture: precision", found.precision(every), "", 0.995, True, detail)
    variant = np.arange(len(known)) >= photographs
    detail = {
        "variants": float(variant.sum()),
        "even": float(known[variant & even].mean()),
        "odd": float(known[variant & ~even].mean()),
    }
    yield Figure("same picture: recall", float(known[variant].mean()), "", 0.95, True, detail)


def _of_each_kind(known: Chosen, made: Sequence[Variant]) -> Iterator[Figure]:
    for kind in KINDS:
        its = known[[variant.kind is kind for variant in made]]
        detail = {"variants": float(len(its))}
        yield Figure(f"  {kind.name}: recall", float(its.mean()), "", None, True, detail)


def _recoloured(photographs: Sequence[Path]) -> Iterator[Figure]:
    """Of photographs whose colours were turned, the share that is not taken for the same."""
    refused: dict[int, list[bool]] = {degrees: [] for degrees in _TURNED}
    for file in photographs[::_EVERY]:
        image = _image(file)
        if clear(image) < _COLOURED:
            continue
        for degrees in _TURNED:
            other = _saved(recoloured(image, degrees))
            refused[degrees].append(not is_same(_signature(image), _signature(other)))
    shares = {f"{degrees} degrees": float(np.mean(its)) for degrees, its in refused.items()}
    far = float(np.mean([share for degrees in _TURNED[1:] for share in refused[degrees]]))
    detail = {**shares, "photographs": float(len(refused[_TURNED[0]]))}
    yield Figure("recoloured, refused", far, "", 0.95, True, detail)


def _image(file: Path) -> Image.Image:
    with file.open("rb") as opened:
        return decode(opened, LONGEST).image


def _saved(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return Image.open(buffer)


def _signature(image: Image.Image) -> Signature:
    return signature(np.asarray(image))


def _speed(library: Library, place: Path) -> Figure:
    """The check of pixels by itself, on one core, of pairs as the library looks at them."""
    alike = library.store.alike(library.space(), FLOOR, lambda _: None)
    files = [place / library.store.paths(id_)[0] for id_ in alike.ids]
    edges = alike.edges[np.arange(min(_CHECKED, len(alike.edges)))]
    ends = np.unique(np.concatenate([edges.first, edges.second])).tolist()
    made = {number: _signature(_image(files[number])) for number in ends}
    firsts, starts = np.unique(edges.first, return_index=True)
    seconds = np.split(edges.second, starts[1:])
    began = time.perf_counter()
    for first, others in zip(firsts.tolist(), seconds, strict=True):
        agreements(made[first], [made[number] for number in others.tolist()])
    spent = time.perf_counter() - began
    detail = {"pairs": float(len(edges)), "s": spent}
    speed = len(edges) / spent
    return Figure("same picture: pairs checked in a second", speed, "", 1000, True, detail)
