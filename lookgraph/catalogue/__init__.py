"""A catalogue of products, drawn rather than photographed, for ``lookgraph demo`` and tests.

It is the same every time, needs no download, and nobody has rights in it: a few hundred pictures
of mugs, chairs, lamps and the like, in several shapes and colours, each from more than one side.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from lookgraph.catalogue.products import Product, products
from lookgraph.catalogue.scene import draw
from lookgraph.errors import StorageError

_QUALITY = 88
_START, _END = b"\xff\xd8", b"\xff\xd9"  # of every JPEG file


def pictures() -> Iterator[tuple[str, Image.Image]]:
    """Draw the catalogue, one picture at a time.

    Yields:
        The name, such as ``mugs/mug-teal-tall-01.jpg``, and the RGB image, about 400 x 400.
    """
    for product in products():
        yield product.name, draw(product)


def draw_catalogue(folder: Path) -> list[Path]:
    """Draw the catalogue into a folder, as JPEG files in a folder for each kind.

    A file that is there and is complete is left as it is, so a second call does next to nothing
    and an interrupted one goes on where it stopped.

    Args:
        folder: where to; it is made if it is missing.

    Returns:
        All files of the catalogue, in its order.

    Raises:
        StorageError: a file cannot be written.
    """
    try:
        return [_kept(product, folder) for product in products()]
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"The catalogue cannot be written to {folder}: {reason}.") from error


def _kept(product: Product, folder: Path) -> Path:
    file = folder / product.name
    if not _is_complete(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(draw(product), file)
    return file


def _is_complete(file: Path) -> bool:
    """Whether a file begins and ends as a JPEG does.

    Files are renamed into place, so only a power cut can leave one that is cut short or empty.
    """
    try:
        with file.open("rb") as opened:
            start = opened.read(2)
            opened.seek(-2, os.SEEK_END)
            return start == _START and opened.read(2) == _END
    except OSError:  # missing, or shorter than two bytes
        return False


def _write(image: Image.Image, file: Path) -> None:
    aside = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        image.save(aside, "JPEG", quality=_QUALITY)
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
