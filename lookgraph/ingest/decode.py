"""From a file's bytes to pixels: what the file is, and the picture upright in sRGB on white.

Pillow does the decoding. Only the formats named here are let in: some of its others run
programs (EPS) or are rarely tested.
"""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Protocol

from lookgraph.errors import MissingExtraError, PictureError
from lookgraph.ingest import colour
from lookgraph.types import Pixels, Prepares, Skip, SkipKind

if TYPE_CHECKING:
    from PIL import Image, ImageFile

MAX_PIXELS = 178_956_970
"""More than these are not decoded (Pillow's own limit for a decompression bomb): 0.5 GB as RGB."""

_LARGE_PIXELS = 40_000_000
"""Pictures over this are decoded one at a time, so that memory stays bounded."""

_BLOCK = 1 << 20
"""Bytes that are read at a time. At the end of each, libjpeg begins a row of blocks again, which
costs 3 % of a large picture's decoding with Pillow's 64 KiB."""

_one_large = threading.Lock()

_EXTENSIONS = re.compile(
    r"\.(jpe?g|jpe|jfif|png|webp|avif|gif|bmp|dib|tiff?|hei[cf]|hif)\Z", re.IGNORECASE
)
_SIGNATURES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "BMP": re.compile(rb"BM....\0\0\0\0", re.DOTALL),
}
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
HEAD_BYTES = 32
"""How much of a file `sniff` wants to see."""


class UnusableError(PictureError):
    """A file that cannot be used as a picture; says why, without naming it."""

    def __init__(self, kind: SkipKind, reason: str) -> None:
        super().__init__(reason)
        self.skip = Skip(kind, reason)


def sniff(head: bytes) -> str | None:
    """The format by a file's first bytes, as Pillow names it; None if it is none of ours."""
    for format_, signature in _SIGNATURES.items():
        if signature.match(head):
            return format_
    return _sniff_isobmff(head)


def _sniff_isobmff(head: bytes) -> str | None:
    """AVIF and HEIF are told apart from films, which share the container, by their brands."""
    if head[4:8] != b"ftyp":
        return None
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, len(head), 4))]
    if b"avif" in brands or b"avis" in brands:
        return "AVIF"
    return "HEIF" if _HEIF_BRANDS & set(brands) else None


def looks_like_picture(name: str) -> bool:
    """Whether a file's name promises a picture."""
    return _EXTENSIONS.search(name) is not None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture as it should be seen.

    Attributes:
        image: mode RGB, upright, sRGB, over white. May be smaller than the file says, but its
            shorter side is at least what was asked for, where the file has that many pixels.
        format: as Pillow names it.
        width: of the whole picture, upright.
        height: likewise.
        taken: ``YYYY-MM-DDTHH:MM:SS`` or None.
    """

    image: "Image.Image"
    format: str
    width: int
    height: int
    taken: str | None


class Decodes(Protocol):
    """Who decodes the files that somebody asks with: this process, or others."""

    def decode(self, file: IO[bytes], side: int) -> Decoded:
        """As `decode`."""
        ...

    def prepared(self, file: IO[bytes], side: int, prepare: Prepares) -> Pixels:
        """What a network sees of a picture that is decoded as `decode` does."""
        ...


class Here:
    """This process decodes."""

    def decode(self, file: IO[bytes], side: int) -> Decoded:
        """As `decode`."""
        return decode(file, side)

    def prepared(self, file: IO[bytes], side: int, prepare: Prepares) -> Pixels:
        """As `Decodes.prepared`."""
        return prepare(decode(file, side).image)


def decode(file: IO[bytes], side: int) -> Decoded:
    """Decode a picture, no larger than needed.

    A JPEG is decoded at 1/2, 1/4 or 1/8 of its size where that leaves the side asked for (DCT
    scaling, ITU-T T.81; libjpeg's ``scale_denom``). Twice the side that a network sees moves its
    embedding little; see ARCHITECTURE.md.

    Args:
        file: open for reading in binary, anywhere in it.
        side: the pixels that are wanted on the shorter side, at least.

    Raises:
        UnusableError: with the reason.
    """
    file.seek(0)
    format_ = sniff(file.read(HEAD_BYTES))
    if format_ is None:
        raise UnusableError(SkipKind.DAMAGED, "its content is no picture in a known format")
    file.seek(0)
    with reasons(), _open(file, format_) as image:
        width, height = image.size
        with _turn(width * height):
            exif = _exif(image)
            image.draft(None, (side, side))
            image.decodermaxblock = _BLOCK
            image.load()
            upright = colour.upright(colour.to_srgb(image), exif)
        if colour.lies_on_its_side(exif):
            width, height = height, width
        return Decoded(upright, format_, width, height, _taken(exif))


def _open(file: IO[bytes], format_: str) -> "ImageFile.ImageFile":
    from PIL import Image

    if format_ == "HEIF":
        _register_heif()
    try:
        image = Image.open(file, formats=[format_])
    except Image.DecompressionBombError:
        raise _too_large("its") from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(f"{width} x {height}")
    return image


def _too_large(pixels: str) -> UnusableError:
    limit = f"the limit of {MAX_PIXELS:,}, and are not decoded"
    return UnusableError(SkipKind.TOO_LARGE, f"{pixels} pixels are more than {limit}")


def _register_heif() -> None:
    try:
        import pillow_heif
    except ImportError:
        needed = MissingExtraError("a HEIC picture", "heif")
        raise UnusableError(SkipKind.NEEDS_EXTRA, str(needed)) from None
    pillow_heif.register_heif_opener()


@contextmanager
def _turn(pixels: int) -> Iterator[None]:
    if pixels <= _LARGE_PIXELS:
        yield
    else:
        with _one_large:
            yield


@contextmanager
def reasons() -> Iterator[None]:
    """Whatever a decoder makes of a damaged file becomes a reason.

    Pillow's plugins let almost any exception through on hostile input, so all are caught, here
    and nowhere else.
    """
    try:
        yield
    except UnusableError:
        raise
    except MemoryError:
        raise UnusableError(SkipKind.TOO_LARGE, "there is not enough memory to decode it") from None
    except Exception as error:
        raise UnusableError(SkipKind.DAMAGED, _said(error)) from error


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "cannot identify image file" in text:
        text = "its header is not what the format asks for"
    return f"it cannot be decoded: {text[:200] or type(error).__name__}"


def _exif(image: "Image.Image") -> "Image.Exif":
    """What EXIF says; nothing where it is damaged, which is no reason to leave a picture out."""
    from PIL import Image

    try:
        return image.getexif()
    except Exception:  # noqa: BLE001 - as in `reasons`
        return Image.Exif()


def _taken(exif: "Image.Exif") -> str | None:
    """DateTimeOriginal, or else DateTime (EXIF 2.32, 4.6.5), if it is a date."""
    for folder, tag in ((exif.get_ifd(0x8769), 0x9003), (exif, 0x0132)):
        value = folder.get(tag)
        try:
            found = datetime.strptime(str(value).strip("\0 "), "%Y:%m:%d %H:%M:%S")
        except ValueError:
            continue
        return found.isoformat()
    return None


def thumbnail(image: "Image.Image", side: int) -> bytes:
    """A JPEG of a picture, RGB, made to fit a square of so many pixels."""
    small = image.copy()
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
