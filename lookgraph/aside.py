"""Files that are written whole, or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lookgraph.errors import StorageError


@contextmanager
def written_aside(file: Path) -> Iterator[Path]:
    """Write to the path that this gives; in the end it takes the file's place.

    After a stop or an error, what was there before is there still.

    Raises:
        StorageError: it cannot be written.
    """
    aside = file.with_name(file.name + ".part")
    try:
        yield aside
        aside.replace(file)
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            aside.unlink()
