"""The documents that the screens of the graph and the map show in a frame."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

_SETTLED = "'settled' in document.documentElement.dataset"
_PATIENCE_SECONDS = 60.0


def framed(page: "Page", end: str = "") -> "Frame":
    """The frame that shows a document whose address ends like this, once it is drawn."""
    ends = f'[src$="{end}"]' if end else ""
    shown = page.wait_for_selector(
        f"iframe{ends}:not(.coming)", timeout=1000 * _PATIENCE_SECONDS, state="visible"
    )
    assert shown
    frame = shown.content_frame()
    assert frame
    until(frame, _SETTLED)
    return frame


def until(frame: "Frame", condition: str) -> None:
    """Wait until JavaScript is true. Playwright's own way needs ``eval``, which is forbidden."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not frame.evaluate(condition):
        assert time.monotonic() < end, f"{condition} was not true in {_PATIENCE_SECONDS} s"
        frame.wait_for_timeout(20)


def place(frame: "Frame", x: str, y: str) -> tuple[float, float]:
    """Where a place of the plane is in the window; both as JavaScript."""
    across, down = frame.evaluate(
        "(() => { const inner = view.canvas.getBoundingClientRect();"
        " const outer = frameElement.getBoundingClientRect();"
        f" return [outer.left + inner.left + view.across({x}),"
        f" outer.top + inner.top + view.down({y})]; }})()"
    )
    return across, down
