"""Pictures that people ask with, kept for a while so that an address can name them."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

_MOST_BYTES = 512 * 2**20


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that somebody asks with.

    Attributes:
        file: its bytes.
        name: what the file is called.
        width: in pixels, upright.
        height: likewise.
    """

    file: bytes
    name: str
    width: int
    height: int


class Uploads:
    """Pictures by the SHA-256 of their bytes, in memory; those not asked for longest go first."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        """None is held.

        Args:
            most_bytes: of all of them; more is not held, whatever comes.
        """
        self._most = most_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Upload] = OrderedDict()
        self._bytes = 0

    def add(self, upload: Upload) -> str:
        """Hold a picture, and let go of others where there is no room.

        Args:
            upload: the picture.

        Returns:
            its id: the SHA-256 of its bytes, as hexadecimal digits.
        """
        id_ = hashlib.sha256(upload.file).hexdigest()
        with self._lock:
            if id_ not in self._held:
                self._bytes += len(upload.file)
            self._held[id_] = upload
            self._held.move_to_end(id_)
            while self._bytes > self._most and len(self._held) > 1:
                _, gone = self._held.popitem(last=False)
                self._bytes -= len(gone.file)
        return id_

    def get(self, id_: str) -> Upload | None:
        """The picture of an id; None if it is not held, or not any more."""
        with self._lock:
            upload = self._held.get(id_)
            if upload is not None:
                self._held.move_to_end(id_)
            return upload
