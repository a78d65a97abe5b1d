"""What all who look at the app share."""

from dataclasses import dataclass

from lookgraph.ingest.decode import Decodes
from lookgraph.interfaces.app.review.reviews import Reviews
from lookgraph.interfaces.app.uploads import Uploads
from lookgraph.interfaces.jobs import Jobs
from lookgraph.library import Library


@dataclass(frozen=True, slots=True)
class Shared:
    """What the screens answer from, safe to be used from several threads.

    Attributes:
        library: that is shown.
        jobs: of indexing it.
        uploads: pictures that people ask with.
        decoder: decodes them.
        reviews: duplicates that people decide on.
    """

    library: Library
    jobs: Jobs
    uploads: Uploads
    decoder: Decodes
    reviews: Reviews


_shared: list[Shared] = []


def share(what: Shared) -> None:
    """Let the screens answer from this: Streamlit runs them as scripts, and hands them nothing."""
    _shared[:] = [what]


def shared() -> Shared:
    """What was shared last."""
    return _shared[0]
