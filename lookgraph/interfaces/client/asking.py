"""Questions to a service over HTTP, and its errors as ours."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lookgraph import errors
from lookgraph.errors import LookgraphError, MissingExtraError, ServerError, UsageError

if TYPE_CHECKING:
    import httpx


class Asking:
    """A connection to a service, kept open between questions; for several threads."""

    def __init__(self, url: str, token: str | None, timeout: float) -> None:
        """Nothing is asked yet.

        Args:
            url: of the service, such as ``http://127.0.0.1:8765``.
            token: that it wants; None if it wants none.
            timeout: seconds that one answer may take.

        Raises:
            UsageError: the address is none.
            MissingExtraError: what speaks HTTP is not installed.
        """
        try:
            import httpx
        except ImportError as error:
            raise MissingExtraError("Asking a service", "client") from error
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.url = url.rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise UsageError(f"{url} is no address of a service, such as http://127.0.0.1:8765.")
        self._client = httpx.Client(headers=headers, timeout=timeout)

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        asked: Mapping[str, Any] | None = None,
        *,
        files: Sequence[bytes] = (),
        told: Mapping[str, Any] | None = None,
    ) -> Any:
        """Ask one question; gives the JSON of the answer.

        Args:
            method: such as GET.
            path: behind ``/v1/``.
            asked: parameters; None and nothing among them are left out.
            files: that are sent along, of pictures.
            told: that is sent as JSON.

        Raises:
            LookgraphError: as the service's library has it; or the service cannot be asked.
        """
        return self._answer(method, path, asked, files, told).json()

    def content(self, path: str, asked: Mapping[str, Any]) -> "bytes | None":
        """As `ask`, for what is no JSON; None if it is not there."""
        answer = self._answer("GET", path, asked, (), None, missing=True)
        return None if answer.status_code == 404 else answer.content

    def _answer(
        self,
        method: str,
        path: str,
        asked: Mapping[str, Any] | None,
        files: Sequence[bytes],
        told: Mapping[str, Any] | None,
        *,
        missing: bool = False,
    ) -> "httpx.Response":
        given = {name: its for name, its in (asked or {}).items() if its not in (None, (), [])}
        sent = [("picture", (f"{place}", file)) for place, file in enumerate(files)]
        with self._connected():
            answer = self._client.request(
                method, f"{self.url}/v1/{path}", params=given, files=sent or None, json=told
            )
        if answer.is_success or (missing and answer.status_code == 404):
            return answer
        raise _error_of(answer)

    @contextmanager
    def events(self, path: str) -> Iterator[Iterator[str]]:
        """The data of a stream of events, as they come."""
        with (
            self._connected(),
            self._client.stream("GET", f"{self.url}/v1/{path}", timeout=None) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise _error_of(answer)
            lines = answer.iter_lines()
            yield (line[6:] for line in lines if line.startswith("data: "))

    @contextmanager
    def _connected(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except httpx.TimeoutException as error:
            raise ServerError(f"{self.url} takes too long to answer.") from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise ServerError(
                f"No service answers at {self.url} ({error}). Start it: lookgraph serve"
            ) from error


def _error_of(answer: "httpx.Response") -> LookgraphError:
    """The error that a service's problem details stand for (RFC 9457)."""
    try:
        problem = answer.json()
        name, detail = str(problem["type"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        name, detail = "", f"{answer.url} answered {answer.status_code}."
    kind = _KINDS.get(name.removeprefix("urn:lookgraph:").replace("-", ""))
    if kind is None:
        kind = UsageError if 400 <= answer.status_code < 500 else ServerError
    return kind.__new__(kind, detail)  # the message is made already


_KINDS = {
    name.lower(): kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, LookgraphError) and kind is not MissingExtraError
}
"""By their names; but for that of something that is missing here, and not there."""
