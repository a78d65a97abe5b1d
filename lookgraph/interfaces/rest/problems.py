"""Errors as the service tells them: problem details (RFC 9457), from the one tree of errors."""

import json
import re

from fastapi import HTTPException
from pydantic import BaseModel, Field

from lookgraph import errors
from lookgraph.ingest.decoders import DecodersError

_STATUSES: tuple[tuple[type[errors.LookgraphError], int], ...] = (
    (errors.UsageError, 422),
    (errors.PictureError, 422),
    (errors.GraphTooLargeError, 422),
    (errors.ExchangeError, 422),
    (errors.LibraryNotFoundError, 404),
    (errors.GraphNotFoundError, 404),
    (errors.LibraryFormatError, 409),
    (errors.LibraryLockedError, 409),
    (errors.MissingExtraError, 501),
    (errors.ServerError, 503),
    (DecodersError, 503),
    (errors.ModelError, 503),
    (errors.StorageError, 507),
)
"""The first that fits counts; of all others it is the service's own fault."""

_WORDS = {
    400: "Bad request",
    401: "A token is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Not allowed here",
    408: "Too slow",
    409: "Not now",
    413: "Too large",
    415: "Of a type that is not taken",
    422: "Cannot be done",
    429: "Too many at once from you",
    500: "Failed",
    501: "Not installed",
    503: "Busy",
    507: "No room",
}


class Problem(BaseModel):
    """What went wrong, and what to do."""

    type: str = Field(examples=["urn:lookgraph:picture-error"])
    title: str = Field(examples=["Cannot be done"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["a picture in memory: it is no picture."])


class ProblemError(HTTPException):
    """A problem of the request itself; FastAPI lets it through from wherever it is raised.

    Attributes:
        problem: as it is told.
    """

    def __init__(
        self, status: int, detail: str, name: str = "", retry_after: int | None = None
    ) -> None:
        """It happens.

        Args:
            status: as for `problem`; so are the next two.
            detail: likewise.
            name: likewise.
            retry_after: seconds after which to ask again; None if that does not help.
        """
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        super().__init__(status, detail, headers)
        self.problem = problem(status, detail, name)


def problem(status: int, detail: str, name: str = "") -> Problem:
    """A problem in the words of its status.

    Args:
        status: of the answer.
        detail: what happened, and what to do.
        name: of the kind of problem, for programs; empty for that of the status.
    """
    title = _WORDS.get(status, "Failed")
    kind = name or re.sub(r"\W+", "-", title.lower())
    return Problem(type=f"urn:lookgraph:{kind}", title=title, status=status, detail=detail)


def problem_of(error: errors.LookgraphError) -> Problem:
    """What an error of the tree is told as."""
    status = next((its for kind, its in _STATUSES if isinstance(error, kind)), 500)
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
    return problem(status, str(error), name)


def body_of(problem: Problem) -> bytes:
    """The JSON of a problem; file names that are no UTF-8 survive."""
    return json.dumps(problem.model_dump()).encode()


MEDIA_TYPE = "application/problem+json"
