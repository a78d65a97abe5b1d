"""Files in the cache folder."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def keep(file: Path, data: bytes) -> None:
    """Write aside and rename: whoever looks sees all of the file or none.

    Raises:
        OSError: the folder cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f"{file.name}.{uuid4().hex}.tmp")
    try:
        with aside.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(file)
    finally:
        with suppress(OSError):
            aside.unlink()
