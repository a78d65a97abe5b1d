"""Everything that Lookgraph raises on purpose, in one tree.

::

    LookgraphError
    ├── UsageError                a value or a name that the caller got wrong
    ├── LibraryError              about one library
    │   ├── LibraryNotFoundError  there is none where it was looked for
    │   ├── GraphNotFoundError    it has no graph
    │   ├── LibraryLockedError    another process is writing to it
    │   ├── LibraryDamagedError   what it holds cannot be what was written
    │   ├── LibraryFormatError    made by a newer Lookgraph, or with another network
    │   ├── StorageError          the disk is full, read-only or failing
    │   └── ServerError           its database server is not there, refuses or is too slow
    ├── PictureError              a picture that cannot be used, and why
    ├── ModelError                about a network
    │   ├── WeightsError          its weights are missing or not what they should be
    │   │   └── DownloadError     they cannot be fetched
    │   └── CheckpointError       a file of weights that the safe readers refuse
    ├── GraphTooLargeError        more pairs are alike than were wanted
    ├── ExchangeError             a file to import that is not what it should be
    ├── ClusterError              what embeds elsewhere is not there, or fails
    └── MissingExtraError         an optional dependency that is not installed

A message says what happened, to which file, and what to do. The interfaces map the tree once:
the command line to exit codes, where UsageError is 2 and everything else is 1.
"""


class LookgraphError(Exception):
    """The root: catching it catches everything that Lookgraph raises on purpose."""


class UsageError(LookgraphError, ValueError):
    """A value or a name that the caller got wrong."""


class LibraryError(LookgraphError):
    """Something about one library."""


class LibraryNotFoundError(LibraryError):
    """There is no library where it was looked for."""


class GraphNotFoundError(LibraryError):
    """The library has no graph."""

    def __init__(self, space: str) -> None:
        super().__init__(f"The library has no graph of {space}. Make one: lookgraph graph build")


class LibraryLockedError(LibraryError):
    """Another process is writing to the library."""


class LibraryDamagedError(LibraryError):
    """What the library holds cannot be what was written to it."""


class LibraryFormatError(LibraryError):
    """The library was made by a newer Lookgraph, or with another network than the one asked for."""


class StorageError(LibraryError):
    """The disk that the library is on is full, read-only or failing."""


class ServerError(LibraryError):
    """The database server that the library is on is not there, refuses, or takes too long."""


class PictureError(LookgraphError):
    """A picture that cannot be used."""


class ModelError(LookgraphError):
    """Something about a network."""


class WeightsError(ModelError):
    """A network's weights are missing or are not what they should be."""


class DownloadError(WeightsError):
    """A network's weights cannot be fetched, or what came is not what was published."""


class CheckpointError(ModelError):
    """A file of weights that the safe readers refuse."""


class GraphTooLargeError(LookgraphError):
    """More pairs of pictures are alike than were wanted."""


class ExchangeError(LookgraphError):
    """A file to import that is not what it should be."""


class ClusterError(LookgraphError):
    """Ray, or the storage that its workers read, is not there, refuses or fails."""


class MissingExtraError(LookgraphError):
    """An optional dependency is not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs an optional part. Install it: pip install 'lookgraph[{extra}]'"
        )
        self.extra = extra
