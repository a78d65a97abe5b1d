import base64
import io
import os
import re
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lookgraph.interfaces import terminal
from lookgraph.interfaces.terminal import Graphics, ask_attributes, detect, render, show, strip
from lookgraph.types import Array, Pixels

WITH_SIXEL = b"\x1b[?62;4;22c"
WITHOUT = b"\x1b[?62;22c"


def never() -> bytes:
    raise AssertionError("the terminal is not to be asked")


@pytest.mark.parametrize(
    ("hints", "graphics"),
    [
        ({"TERM": "xterm-kitty"}, Graphics.KITTY),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, Graphics.KITTY),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, Graphics.KITTY),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, Graphics.KITTY),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, Graphics.ITERM2),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, Graphics.ITERM2),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, Graphics.ITERM2),
    ],
)
def test_terminals_that_are_known_are_not_asked(hints: dict[str, str], graphics: Graphics) -> None:
    assert detect(hints, True, never) is graphics
    assert detect(hints, True, None) is graphics
    assert detect(hints, False, never) is None


@pytest.mark.parametrize(
    ("hints", "answer", "graphics"),
    [
        ({"TERM": "xterm"}, WITH_SIXEL, Graphics.SIXEL),
        ({"TERM": "xterm"}, b"typed" + WITH_SIXEL + b"more", Graphics.SIXEL),
        ({"TERM": "xterm"}, b"\x1b[?63;1;2;4c", Graphics.SIXEL),
        ({"TERM": "xterm"}, WITHOUT, None),
        ({"TERM": "xterm"}, b"\x1b[?4;6c", None),  # a VT132: the first number is the class
        ({"TERM": "xterm"}, b"\x1b[?62;14;44c", None),
        ({"TERM": "xterm"}, b"\x1b[?62;4", None),
        ({"TERM": "xterm"}, b"", None),
        # In a multiplexer the names are those of the terminal behind it.
        ({"TERM": "screen", "LC_TERMINAL": "iTerm2"}, WITHOUT, None),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, WITH_SIXEL, Graphics.SIXEL),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, b"", None),
        ({"TERM": "xterm-kitty", "STY": "1.a"}, b"", None),
        # Editors inherit the variables of the terminal that they were started from.
        ({"TERM": "xterm", "TERM_PROGRAM": "vscode", "KITTY_WINDOW_ID": "1"}, b"", None),
        ({"TERM": "xterm", "TERM_PROGRAM": "vscode", "LC_TERMINAL": "iTerm2"}, WITHOUT, None),
        ({"TERM": "xterm", "TERM_PROGRAM": "Apple_Terminal"}, WITHOUT, None),
    ],
)
def test_other_terminals_are_asked(
    hints: dict[str, str], answer: bytes, graphics: Graphics | None
) -> None:
    assert detect(hints, True, lambda: answer) is graphics
    assert detect(hints, True, None) is None


@pytest.mark.parametrize("hints", [{}, {"TERM": "dumb"}, {"TERM": "linux", "KITTY_WINDOW_ID": "1"}])
def test_some_are_not_even_asked(hints: dict[str, str]) -> None:
    assert detect(hints, True, never) is None


# --- DA1 through a pseudoterminal ---


@pytest.fixture
def pty() -> Iterator[tuple[int, int, Path]]:
    leader, follower = os.openpty()
    yield leader, follower, Path(os.ttyname(follower))
    os.close(follower)
    os.close(leader)


def answering(leader: int, answer: bytes, heard: list[bytes]) -> threading.Thread:
    def run() -> None:
        heard.append(os.read(leader, 64))
        if answer:
            os.write(leader, answer)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("answer", "attributes"),
    [(WITH_SIXEL, WITH_SIXEL), (b"", b""), (b"\xff\x00nonsense\x1b[?", b"\xff\x00nonsense\x1b[?")],
    ids=["answers", "silent", "garbage"],
)
def test_a_terminal_is_asked_and_left_as_it_was(
    pty: tuple[int, int, Path], answer: bytes, attributes: bytes
) -> None:
    leader, follower, path = pty
    before, heard = termios.tcgetattr(follower), list[bytes]()
    thread = answering(leader, answer, heard)
    start = time.monotonic()
    assert ask_attributes(path) == attributes
    assert time.monotonic() - start < 1
    thread.join(5)
    assert heard == [b"\x1b[c"]
    assert termios.tcgetattr(follower) == before


def test_an_answer_in_two_parts_is_read_whole(pty: tuple[int, int, Path]) -> None:
    leader, _, path = pty

    def run() -> None:
        os.read(leader, 64)
        os.write(leader, WITH_SIXEL[:5])
        time.sleep(0.03)
        os.write(leader, WITH_SIXEL[5:])

    threading.Thread(target=run, daemon=True).start()
    assert ask_attributes(path) == WITH_SIXEL


def test_what_was_typed_before_is_not_swallowed(pty: tuple[int, int, Path]) -> None:
    leader, follower, path = pty
    os.write(leader, b"ls\n")
    assert ask_attributes(path) == b""
    assert os.read(follower, 64) == b"ls\n"


def test_the_mode_comes_back_even_if_reading_fails(
    pty: tuple[int, int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, follower, path = pty
    before, meanwhile = termios.tcgetattr(follower), []

    def broken(device: int) -> bytes:
        meanwhile.append(termios.tcgetattr(device)[3] & (termios.ECHO | termios.ICANON))
        raise KeyboardInterrupt

    monkeypatch.setattr(terminal, "_read_answer", broken)
    with pytest.raises(KeyboardInterrupt):
        ask_attributes(path)
    assert meanwhile == [0], "neither echo nor lines while it is asked"
    assert termios.tcgetattr(follower) == before


def test_no_terminal_no_answer(tmp_path: Path) -> None:
    assert ask_attributes(tmp_path / "none") == b""
    (tmp_path / "file").write_text("")
    assert ask_attributes(tmp_path / "file") == b""


def test_without_a_controlling_terminal_nothing_is_asked() -> None:
    code = "from lookgraph.interfaces.terminal import ask_attributes; print(ask_attributes())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, start_new_session=True
    )
    assert done.stdout == b"b''\n"


# --- rendering, decoded by decoders of our own ---


def picture(width: int = 70, height: int = 40) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    colours = np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], axis=-1)
    image = Image.fromarray(colours.astype(np.uint8)).convert("RGBA")
    image.putalpha(Image.fromarray(np.where(x < 10, 0, 255).astype(np.uint8)))
    return image


def from_kitty(data: bytes) -> tuple[list[dict[str, str]], bytes]:
    chunks = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", data)
    whole = b"".join(b"\x1b_G%b;%b\x1b\\" % chunk for chunk in chunks)
    assert whole + b"\n" == data
    keys = [dict(pair.split("=") for pair in k.decode().split(",")) for k, _ in chunks]
    assert all(len(part) <= 4096 and len(part) % 4 == 0 for _, part in chunks)
    return keys, base64.b64decode(b"".join(part for _, part in chunks), validate=True)


def test_kitty_gets_the_very_pixels_in_chunks() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 4), np.uint8))
    keys, png = from_kitty(render(noise, Graphics.KITTY, 48))
    assert keys[0] == {"a": "T", "f": "100", "q": "2", "c": "48", "m": "1"}
    assert keys[1:-1] == [{"m": "1"}] * (len(keys) - 2)
    assert keys[-1] == {"m": "0"}
    assert len(keys) > 3
    with Image.open(io.BytesIO(png)) as opened:
        assert opened.tobytes() == noise.tobytes()


def test_a_small_picture_is_one_chunk() -> None:
    keys, _ = from_kitty(render(Image.new("RGBA", (4, 4)), Graphics.KITTY, 2))
    assert keys == [{"a": "T", "f": "100", "q": "2", "c": "2", "m": "0"}]


def test_iterm2_gets_the_very_pixels() -> None:
    image = picture()
    found = re.fullmatch(
        rb"\x1b\]1337;File=inline=1;size=(\d+);width=48;preserveAspectRatio=1:([^\x07]*)\x07\n",
        render(image, Graphics.ITERM2, 48),
    )
    assert found
    png = base64.b64decode(found[2], validate=True)
    assert len(png) == int(found[1])
    with Image.open(io.BytesIO(png)) as opened:
        assert opened.tobytes() == image.tobytes()


def from_sixel(data: bytes) -> Array:
    """The picture, RGB in percent, with -1 where no sixel sets anything."""
    head = re.match(rb'\x1bP0;1q"1;1;(\d+);(\d+)', data)
    assert head
    assert data.endswith(b"\x1b\\\n")
    width, height = int(head[1]), int(head[2])
    canvas = np.full((height, width, 3), -1)
    palette: dict[int, list[int]] = {}
    colour, x, top = -1, 0, 0
    tokens = re.compile(rb"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)")
    body = data[head.end() : -3]
    place = 0
    while place < len(body):
        token = tokens.match(body, place)
        assert token, body[place : place + 20]
        place = token.end()
        if token[1]:
            palette[int(token[1])] = [int(token[i]) for i in (2, 3, 4)]
        elif token[5]:
            colour = int(token[5])
        elif token[9]:
            x = 0
        elif token[10]:
            x, top = 0, top + 6
        else:
            count, bits = int(token[6] or 1), (token[7] or token[8])[0] - 63
            for bit in range(6):
                if bits >> bit & 1:
                    assert top + bit < height
                    assert x + count <= width
                    canvas[top + bit, x : x + count] = palette[colour]
            x += count
    return canvas


def test_sixels_are_the_picture_in_fewer_colours() -> None:
    image = picture()
    got = from_sixel(render(image, Graphics.SIXEL, 10))
    few = np.asarray(image.convert("RGB").quantize(terminal._COLOURS).convert("RGB"))
    wanted = np.round(few * (100 / 255)).astype(int)
    assert got.shape == (40, 70, 3)
    assert (got[:, :10] == -1).all()
    assert (abs(got[:, 10:] - wanted[:, 10:]) <= 1).all()
    original = np.asarray(image.convert("RGB"))[:, 10:] * (100 / 255)
    assert np.abs(got[:, 10:] - original).mean() < 3


@st.composite
def small_pictures(draw: Callable[..., int]) -> Pixels:
    height, width = draw(st.integers(1, 14)), draw(st.integers(1, 30))
    seed, kinds = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 12))
    random = np.random.default_rng(seed)
    colours = random.integers(0, 256, (kinds, 4), np.uint8)
    colours[:, 3] = random.choice([0, 255], kinds)
    # Long runs, as drawings have them, and short ones.
    chosen = np.sort(random.integers(0, kinds, (height, width)), axis=draw(st.integers(0, 1)))
    return colours[chosen]


@given(small_pictures())
def test_every_sixel_comes_back(pixels: Pixels) -> None:
    image = Image.fromarray(pixels)
    got = from_sixel(render(image, Graphics.SIXEL, 1))
    few = np.asarray(image.convert("RGB").quantize(terminal._COLOURS).convert("RGB"))
    solid = pixels[..., 3] > 0
    assert (got[~solid] == -1).all()
    assert (abs(got[solid] - few[solid] * (100 / 255)) <= 0.5 + 1e-6).all()


# --- the strip ---


def jpeg(colour: tuple[int, int, int], size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_a_strip_holds_the_thumbnails_in_order() -> None:
    red, blue = (220, 20, 30), (20, 40, 210)
    image = strip([jpeg(red, (128, 128)), None, jpeg(blue, (128, 64))], 3 * 128)
    assert image.size == (384, 120)
    assert image.mode == "RGBA"
    pixels = np.asarray(image).astype(int)
    assert abs(pixels[100, 60] - [*red, 255]).max() <= 3
    assert abs(pixels[60, 256 + 60] - [*blue, 255]).max() <= 3
    assert (pixels[60:, 128:256, 3] == 0).all(), "a gap where there is none"
    assert pixels[5, 256 + 60, 3] == 0, "the shape is kept, the ground shows"
    assert (pixels[:, 120:128, 3] == 0).all(), "a gap between two"
    assert (pixels[:15, 5:12, :3].min(axis=2) > 200).any(), "the rank is written on it"


class Tty(io.BytesIO):
    def __init__(self, tty: bool = True) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


def test_show_makes_as_many_as_fit() -> None:
    asked: list[int] = []

    def thumbnails(side: int) -> list[bytes | None]:
        asked.append(side)
        return [jpeg((10 * i, 0, 0), (64, 64)) for i in range(10)]

    out = Tty()
    assert show(thumbnails, {"TERM": "xterm-kitty"}, 80, out)
    assert asked == [128]
    keys, png = from_kitty(out.getvalue())
    assert keys[0]["c"] == "80"
    with Image.open(io.BytesIO(png)) as opened:
        assert opened.size == (5 * 128, 120)


@pytest.mark.parametrize(
    ("tty", "hints", "columns", "thumbnails"),
    [
        (False, {"TERM": "xterm-kitty"}, 80, None),
        (True, {"TERM": "dumb"}, 80, None),
        (True, {"TERM": "xterm-kitty"}, 10, [b""]),
        (True, {"TERM": "xterm-kitty"}, 80, []),
    ],
    ids=["no terminal", "no pictures", "too narrow", "nothing found"],
)
def test_show_writes_nothing_where_it_cannot(
    tty: bool, hints: dict[str, str], columns: int, thumbnails: list[bytes | None] | None
) -> None:
    def make(side: int) -> list[bytes | None]:
        assert thumbnails is not None, "thumbnails are made only where they can be shown"
        return thumbnails

    out = Tty(tty)
    assert not show(make, hints, columns, out)
    assert out.getvalue() == b""


def test_the_width_of_a_character_comes_from_the_terminal(pty: tuple[int, int, Path]) -> None:
    import fcntl
    import struct

    leader, follower, _ = pty
    with os.fdopen(os.dup(follower), "wb", buffering=0) as stream:
        assert terminal._cell_width(stream) == 0
        fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 1600, 960))
        assert terminal._cell_width(stream) == 20
