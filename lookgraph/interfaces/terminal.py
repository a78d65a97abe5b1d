"""Pictures in the terminal, where it can show them.

- kitty: the graphics protocol, https://sw.kovidgoyal.net/kitty/graphics-protocol/
- iTerm2: inline images, https://iterm2.com/documentation-images.html
- sixel: the DEC VT340's, https://vt100.net/docs/vt3xx-gp/chapter14.html. A terminal that knows it
  has a 4 among the attributes with which it answers DA1, https://vt100.net/docs/vt510-rm/DA1.html

Our own few lines, because textual-image asks the terminal when it is imported, which takes time
and input, and knows no iTerm2 images, and term-image holds Pillow below 11.
"""

import io
import os
import re
import select
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lookgraph.types import Array, Word

if TYPE_CHECKING:
    from PIL import Image

_CHUNK = 4096
_COLOURS = 128
_PATIENCE_SECONDS = 0.15
_ATTRIBUTES = re.compile(rb"\x1b\[\?([0-9;]*)c")

_THUMBNAIL_CELLS = 16
"""How wide a thumbnail is with the gap beside it, in characters."""

_CELL_WIDTH = 8
"""In pixels, where the terminal does not tell. Rarely is a character less wide, so all fits."""


class Graphics(Word):
    """The ways in which a terminal takes pictures."""

    KITTY = "kitty"
    ITERM2 = "iterm2"
    SIXEL = "sixel"


# WezTerm knows all three; kitty's can be turned off in its settings.
_PROGRAMS = {
    "ghostty": Graphics.KITTY,
    "kitty": Graphics.KITTY,
    "iTerm.app": Graphics.ITERM2,
    "WezTerm": Graphics.ITERM2,
}


def show(
    thumbnails: Callable[[int], Sequence[bytes | None]],
    hints: Mapping[str, str],
    columns: int,
    out: IO[bytes] | None = None,
) -> bool:
    """Show thumbnails in the terminal if it can; say whether it could.

    Args:
        thumbnails: makes them (JPEG) to fit a square of so many pixels; called only if they can
            be shown.
        hints: as `detect` takes them.
        columns: the terminal's width in characters.
        out: the terminal; stdout if None.
    """
    stream = out or sys.stdout.buffer
    graphics = detect(hints, stream.isatty(), ask_attributes)
    if graphics is None:
        return False
    cell = _cell_width(stream) or _CELL_WIDTH
    side = _THUMBNAIL_CELLS * cell
    pictures = thumbnails(side)[: columns // _THUMBNAIL_CELLS]
    if not pictures:
        return False
    image = strip(pictures, len(pictures) * side)
    sys.stdout.flush()  # words that were printed before come before the pictures
    stream.write(render(image, graphics, len(pictures) * _THUMBNAIL_CELLS))
    stream.flush()
    return True


def detect(
    hints: Mapping[str, str], is_tty: bool, ask: Callable[[], bytes] | None
) -> Graphics | None:
    """Which way a terminal takes pictures; None if it takes none.

    Args:
        hints: what the environment says of it, as `lookgraph.config.terminal_hints` gives it.
        is_tty: whether what is written goes to a terminal at all.
        ask: sends DA1 to the terminal and gives its answer; called only if the hints say nothing.
    """
    term = hints.get("TERM", "dumb")
    if not is_tty or term in {"dumb", "linux"}:
        return None
    # tmux and screen keep from the terminal behind them what they do not know. They may know sixel.
    inside = hints.keys() & {"TMUX", "STY"} or term.startswith(("tmux", "screen"))
    known = None if inside else _by_name(hints, term)
    if known is not None or ask is None:
        return known
    found = _ATTRIBUTES.search(ask())
    # The first number is the terminal's class, in which a 4 means something else.
    return Graphics.SIXEL if found and b"4" in found[1].split(b";")[1:] else None


def _by_name(hints: Mapping[str, str], term: str) -> Graphics | None:
    if term in {"xterm-kitty", "xterm-ghostty"}:
        return Graphics.KITTY
    # A terminal that is started in another inherits the other's variables. Hence the most
    # particular first: those that name no program count only where no program is named.
    if program := hints.get("TERM_PROGRAM"):
        return _PROGRAMS.get(program)
    if hints.keys() & {"KITTY_WINDOW_ID", "GHOSTTY_RESOURCES_DIR"}:
        return Graphics.KITTY
    return Graphics.ITERM2 if hints.get("LC_TERMINAL") == "iTerm2" else None


def ask_attributes(terminal: Path = Path("/dev/tty")) -> bytes:
    """Send DA1 to a terminal and read its answer, for 0.15 seconds at most.

    Meanwhile the terminal does not echo; afterwards it is as it was. It is not asked where there
    is none, while something that was typed waits there, which would be lost, or from the
    background, where changing the terminal would stop the process.

    Returns:
        The answer, with whatever else came before it; empty if none came.
    """
    try:
        import termios
    except ImportError:  # Windows
        return b""
    try:
        device = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return b""
    try:
        return b"" if _in_background(device) or _readable(device, 0) else _ask(device)
    except (OSError, termios.error):
        return b""
    finally:
        os.close(device)


def _ask(device: int) -> bytes:
    import termios
    import tty

    before = termios.tcgetattr(device)
    try:
        tty.setcbreak(device, termios.TCSANOW)  # no echo, no waiting for a line; Ctrl-C works
        os.write(device, b"\x1b[c")
        return _read_answer(device)
    finally:
        termios.tcsetattr(device, termios.TCSANOW, before)


def _read_answer(device: int) -> bytes:
    answer, end = b"", time.monotonic() + _PATIENCE_SECONDS
    while not _ATTRIBUTES.search(answer):
        left = end - time.monotonic()
        if left <= 0 or not _readable(device, left):
            break
        part = os.read(device, 256)
        if not part:
            break
        answer += part
    return answer


def _in_background(device: int) -> bool:
    try:
        return os.tcgetpgrp(device) != os.getpgrp()
    except OSError:  # it is not the terminal that controls this process
        return False


def _readable(device: int, seconds: float) -> bool:
    return bool(select.select([device], [], [], seconds)[0])


def _cell_width(stream: IO[bytes]) -> int:
    """The width of a character in pixels; 0 if the terminal does not tell."""
    try:
        import fcntl
        import struct
        import termios

        size = fcntl.ioctl(stream.fileno(), termios.TIOCGWINSZ, bytes(8))
    except (ImportError, OSError):
        return 0
    _, columns, width, _ = struct.unpack("4H", size)
    return int(width // columns) if columns else 0


def strip(thumbnails: Sequence[bytes | None], width: int) -> "Image.Image":
    """Thumbnails side by side, each with its rank, on a ground that lets all through.

    Args:
        thumbnails: JPEGs, at least one; a gap is left for each that is None.
        width: of all of them, in pixels.

    Returns:
        An RGBA image, so many pixels wide, and as high as a thumbnail without the gap beside it.
    """
    from PIL import Image

    slot = width // len(thumbnails)
    side = max(1, slot - slot // _THUMBNAIL_CELLS)
    result = Image.new("RGBA", (width, side))
    for place, thumbnail in enumerate(thumbnails):
        corner = place * slot, 0
        if thumbnail is not None:
            with Image.open(io.BytesIO(thumbnail)) as opened:
                small = opened.convert("RGB")
            small.thumbnail((side, side))
            corner = corner[0] + (side - small.width) // 2, (side - small.height) // 2
            result.paste(small, corner)
        _number(result, corner, place + 1)
    return result


def _number(image: "Image.Image", corner: tuple[int, int], rank: int) -> None:
    from PIL import ImageDraw, ImageFont

    height = max(10, image.height // 8)
    font = ImageFont.load_default(height)
    drawing = ImageDraw.Draw(image)
    start = corner[0] + height // 3, corner[1] + height // 6
    _, _, right, bottom = drawing.textbbox(start, str(rank), font=font)
    chip = (*corner, right + height // 3, bottom + height // 4)
    drawing.rectangle(chip, fill=(24, 26, 30, 255))
    drawing.text(start, str(rank), font=font, fill="white")


def render(image: "Image.Image", graphics: Graphics, columns: int) -> bytes:
    """What to write to a terminal so that it shows a picture at the cursor and begins a new line.

    Args:
        image: in mode RGBA; where its alpha is 0, the terminal's own ground stays visible.
        graphics: how the terminal takes pictures.
        columns: the width to show it at, in characters. Sixels have the picture's own pixels.
    """
    if graphics is Graphics.SIXEL:
        return _sixel(image) + b"\n"
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    write = _kitty if graphics is Graphics.KITTY else _iterm2
    return write(buffer.getvalue(), columns) + b"\n"


def _kitty(png: bytes, columns: int) -> bytes:
    data = b64encode(png)
    starts = range(0, len(data), _CHUNK)
    parts = []
    for start in starts:
        # a=T: show what is sent; f=100: a PNG; q=2: never answer; c: columns; m=1: more follows.
        first = b"a=T,f=100,q=2,c=%d," % columns if start == 0 else b""
        more = b"m=%d;" % (start != starts[-1])
        parts.append(b"\x1b_G" + first + more + data[start : start + _CHUNK] + b"\x1b\\")
    return b"".join(parts)


def _iterm2(png: bytes, columns: int) -> bytes:
    keys = b"inline=1;size=%d;width=%d;preserveAspectRatio=1:" % (len(png), columns)
    return b"\x1b]1337;File=" + keys + b64encode(png) + b"\x07"


def _sixel(image: "Image.Image") -> bytes:
    import numpy as np

    few = image.convert("RGB").quantize(_COLOURS)
    palette = few.getpalette() or []
    # The 1: what no sixel sets keeps the terminal's ground. Then the raster attributes.
    out = [b'\x1bP0;1q"1;1;%d;%d' % image.size]
    for number in range(len(palette) // 3):
        shares = (round(value * 100 / 255) for value in palette[3 * number : 3 * number + 3])
        out.append(b"#%d;2;%d;%d;%d" % (number, *shares))
    solid = np.asarray(image.getchannel("A")) > 0
    pixels = np.where(solid, np.asarray(few).astype(np.int16), -1)
    bands = (_sixel_band(pixels[top : top + 6]) for top in range(0, image.height, 6))
    return b"".join(out) + b"-".join(bands) + b"\x1b\\"


def _sixel_band(band: Array) -> bytes:
    """Six rows at most: for each colour in them, which of a column's pixels have it."""
    import numpy as np

    rows = []
    for colour in np.unique(band[band >= 0]):
        mask = np.packbits(band == colour, axis=0, bitorder="little").tobytes()
        rows.append(b"#%d" % colour + _run_lengths(mask))
    return b"$".join(rows)


def _run_lengths(mask: bytes) -> bytes:
    out = []
    for run in re.finditer(rb"(.)\1*", mask.rstrip(b"\0"), re.DOTALL):
        count, sixel = len(run[0]), bytes([run[0][0] + 63])
        out.append(b"!%d" % count + sixel if count > 3 else sixel * count)
    return b"".join(out)
