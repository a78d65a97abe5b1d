"""How soon the app shows what somebody asks for, in a real Chromium."""

import hashlib
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import app_canvas, material
from benchmarks.embeddings import of_crops
from benchmarks.measure import Figure
from lookgraph import Library
from tests.app.running import chromium, looking, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PICTURES = 10_000
_POINTS = 20_000
_UPLOADS = 7

_SHOWN = """(id) => {
  const root = document.querySelector('.stMain').querySelectorAll('*');
  const part = [...root].map((one) => one.shadowRoot?.querySelector('.results')).find(Boolean);
  if (!part || !new URLSearchParams(location.search).getAll('picture').includes(id)) return false;
  if (!part.querySelector('.rank') || part.closest('.going')) return false;
  const seen = [...part.querySelectorAll('.tile img')].filter((image) => {
    const box = image.getBoundingClientRect();
    return box.top < innerHeight && box.bottom > 0;
  });
  return seen.length > 4 && seen.every((image) => image.complete && image.naturalWidth);
}"""
"""Whether what looks like a picture is on the screen, all that is in view of it."""


def figures(folder: Path, work: Path) -> Iterator[Figure]:
    """Measure all.

    Args:
        folder: of photographs.
        work: a folder for what is needed on the way.
    """
    photographs = material.many(folder, work / "many", _PICTURES)
    with Library.open(photographs) as library:
        library.index()
        library.graph().build()
    with running(photographs) as address, chromium() as browser:
        yield _uploads(folder, work, browser, address)
    app_canvas.make(work / "points", of_crops(folder, _POINTS, work / "crops.npz"), _POINTS)
    yield from _canvas(work / "points")


def _canvas(library: Path) -> Iterator[Figure]:
    """The graph's slider and the map, of pictures without files."""
    slid = app_canvas.slider_ms(library)
    yield Figure(
        "threshold to the redrawn graph of 1,000", statistics.median(slid), "ms", 150, False,
        {"slowest": max(slid)},
    )  # fmt: skip
    seen = app_canvas.map_frames(library)
    yield Figure(
        "map of 20,000, first paint", statistics.median(seen.first_paints), "s", 2.0, False,
        {
            "fastest": min(seen.first_paints),
            "slowest": max(seen.first_paints),
            "from within the app": seen.next_paint,
        },
    )  # fmt: skip
    yield Figure(
        "map of 20,000, frames while panning", min(seen.whole, seen.near), "/s", 30, True,
        {"whole": seen.whole, "near": seen.near},
    )  # fmt: skip


def _uploads(folder: Path, work: Path, browser: "Browser", address: str) -> Figure:
    """From choosing a file to its look-alikes on the screen; none was seen before."""
    files = material.photographs(folder)
    seconds = []
    with looking(browser, address) as page:
        page.goto("/")
        page.wait_for_selector(".tile img")
        for number in range(_UPLOADS):
            file = work / f"asked-{number}.jpg"
            content = files[number * len(files) // _UPLOADS].read_bytes() + b"asked"
            file.write_bytes(content)
            seconds.append(_upload(page, file))
            page.click(".away")
            page.wait_for_selector(".rank", state="detached")
    first, *rest = seconds  # the first opens the network
    value = statistics.median(rest)
    detail = {"first": first, "slowest": max(rest), "fastest": min(rest)}
    return Figure("upload to its look-alikes on the screen", value, "s", 1.0, False, detail)


def _upload(page: "Page", file: Path) -> float:
    id_ = hashlib.sha256(file.read_bytes()).hexdigest()
    began = time.perf_counter()
    page.set_input_files("input[type=file]", file)
    page.wait_for_function(_SHOWN, arg=id_, polling="raf")
    return time.perf_counter() - began
