"""How the app's canvases answer, in a real Chromium: the graph's slider, and the map."""

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks import large_library
from benchmarks.embeddings import Crops
from lookgraph.library import Library
from lookgraph.stores.thumbnails import KeptThumbnails
from tests.app.framed import framed, until
from tests.app.running import chromium, running

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

_SIZE = (1280, 800)
_PAN_SECONDS = 3
_WARM_SECONDS = 3
_OPENINGS = 5
_PAINTED = "performance.timeOrigin + Number(document.documentElement.dataset.painted)"
_SLID = """async (share) => {
  const slider = document.getElementById("threshold");
  slider.value = Number(slider.min) + share * (slider.max - slider.min);
  const began = performance.now();
  slider.dispatchEvent(new Event("input"));
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  await frame(); // it is painted in this one
  await frame(); // and on the screen by now
  return performance.now() - began;
}"""


@dataclass(frozen=True, slots=True)
class MapFrames:
    """How fluent a map is.

    Attributes:
        first_paints: seconds from opening its address, with nothing of the app loaded yet, of an
            app that nobody has looked at, each.
        next_paint: seconds from asking for it within the app.
        whole: frames a second while all of it is panned.
        near: likewise where about a hundred thumbnails are seen.
    """

    first_paints: Sequence[float]
    next_paint: float
    whole: float
    near: float


def make(root: Path, crops: Crops, count: int) -> None:
    """Make a library of so many pictures with a graph, thumbnails, and places on the map.

    Args:
        root: the folder that it is of; no pictures are there.
        crops: what the embeddings are made from.
        count: how many pictures.
    """
    store = large_library.make(root, crops, count)
    kept, drawn = KeptThumbnails(store.cache), [_thumbnail(seed) for seed in range(100)]
    for number in range(count):
        kept.keep(large_library.id_of(number), 160, drawn[number % len(drawn)])
    store.close()
    with Library.open(root) as library:
        library.graph().build()
        library.graph().map()


def _thumbnail(seed: int) -> bytes:
    """A JPEG of about 5 kB."""
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(0, 256, (15, 20, 3), np.uint8))
    written = io.BytesIO()
    coarse.resize((160, 120), Image.Resampling.BICUBIC).save(written, "JPEG", quality=90)
    return written.getvalue()


def slider_ms(root: Path, tries: int = 20) -> Sequence[float]:
    """Milliseconds from a new threshold to the redrawn graph of 1,000 pictures, of each try.

    Args:
        root: the folder of a library with a graph in which so many hang together.
        tries: at so many thresholds, from the lowest to the highest.
    """
    with Library.open(root) as library:
        start = library.graph().hubs(1)[0].picture.id
    with _looking(root, f"/graph?picture={start}&most=1000") as (_, document):
        shown = document.evaluate("count")
        if shown < 1000:
            raise SystemExit(f"Only {shown} pictures are around the one in the middle.")
        until(document, "[...thumbnails.held.values()].filter(Boolean).length >= 1000")
        return [document.evaluate(_SLID, number / tries) for number in range(tries)]


def map_frames(root: Path) -> MapFrames:
    """Open the map of a library and pan it.

    Args:
        root: the library's folder.
    """
    first_paints = []
    for _ in range(_OPENINGS):
        with _looking(root, "/map") as (page, document):
            began = page.evaluate("performance.timeOrigin")
            first_paints.append(float(document.evaluate(_PAINTED) - began) / 1000)
    with _looking(root, "/map") as (page, document):
        whole = _panned(page, document)
        document.evaluate("view.zoom(roomy / view.scale)")
        document.wait_for_timeout(3000)
        near = _panned(page, document)
        page.get_by_role("link", name="Groups").click()
        page.wait_for_url("**/groups")
        page.wait_for_timeout(3000)
        asked = page.evaluate("performance.timeOrigin + performance.now()")
        page.get_by_role("link", name="Map").click()
        again = framed(page).evaluate(_PAINTED) - asked
    return MapFrames(first_paints, again / 1000, whole, near)


def _panned(page: "Page", document: "Frame") -> float:
    """Frames a second while the map is dragged about."""
    document.evaluate(
        "(() => { window.painted = 0; view.paint = (time) => { painted += 1; paint(time); }; })()"
    )
    page.mouse.move(640, 500)
    page.mouse.down()
    page.mouse.move(660, 500)
    began, before = document.evaluate("[performance.now(), painted]")
    now, step = began, 0
    while now - began < _PAN_SECONDS * 1000:
        step += 1
        angle = step / 15
        page.mouse.move(640 + 150 * np.sin(angle), 500 + 100 * np.cos(angle))
        if step % 20 == 0:
            now = document.evaluate("performance.now()")
    after, painted = document.evaluate("[performance.now(), painted]")
    page.mouse.up()
    return float((painted - before) / (after - began) * 1000)


@contextmanager
def _looking(root: Path, address: str) -> "Iterator[tuple[Page, Frame]]":
    with running(root) as host, chromium() as browser:
        time.sleep(_WARM_SECONDS)  # the app has been running for a while
        page = browser.new_page(base_url=host, viewport={"width": _SIZE[0], "height": _SIZE[1]})
        page.goto(address)
        yield page, framed(page)
