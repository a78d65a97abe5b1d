"""The address of a library on a Neo4j server, as people type it."""

from dataclasses import dataclass, fields
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from lookgraph.errors import UsageError
from lookgraph.stores.neo4j.names import USUAL, Names

SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
"""As the driver has them: routed or not; ``+s`` encrypts, ``+ssc`` with any certificate."""

_PORT = 7687
_TIMEOUT = 300.0
_SHAPE = "neo4j://USER@HOST:PORT/DATABASE"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a library is, and what it is called there.

    Attributes:
        uri: of the server, as the driver takes it.
        user: who asks.
        database: on that server; None for the user's own.
        timeout: seconds that one question may take.
        names: of labels and properties.
    """

    uri: str
    user: str
    database: str | None
    timeout: float = _TIMEOUT
    names: Names = USUAL

    @property
    def is_routed(self) -> bool:
        """Whether the server is first asked which of its cluster has the database."""
        return self.uri.startswith("neo4j")

    @property
    def direct(self) -> str:
        """The driver's address of that very server."""
        return self.uri.replace("neo4j", "bolt", 1) if self.is_routed else self.uri

    def __str__(self) -> str:
        """As `parse` takes it; without what is as usual, and never with a password."""
        scheme, _, host = self.uri.partition("://")
        own = self.names
        told = {
            field.name: getattr(own, field.name)
            for field in fields(Names)
            if getattr(own, field.name) != getattr(USUAL, field.name)
        }
        if self.timeout != _TIMEOUT:
            told["timeout"] = str(self.timeout)
        asked = "&".join(f"{key}={quote(value)}" for key, value in told.items())
        database = quote(self.database or "", safe="")
        return f"{scheme}://{quote(self.user, safe='')}@{host}/{database}{'?' * bool(asked)}{asked}"


def parse(text: str) -> Address:
    """What an address says: ``neo4j://user@host:port/database?label=Photo&path=file``.

    Behind the question mark may stand any field of `Names`, and ``timeout`` in seconds.

    Raises:
        UsageError: it is none, or has a password in it. A password is not repeated.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(f"This is no address of a Neo4j database. Write {_SHAPE}") from None
    if parts.password is not None:
        raise UsageError(
            "Passwords do not belong on the command line, where others can read them. Leave it "
            f"out, {_SHAPE}, and set LOOKGRAPH_NEO4J_PASSWORD."
        )
    database = unquote(parts.path.strip("/"))
    if parts.scheme not in SCHEMES or not parts.hostname or "/" in database or parts.fragment:
        raise UsageError(f"{text} is no address of a Neo4j database. Write {_SHAPE}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    timeout, names = _told(parts.query)
    return Address(
        uri=f"{parts.scheme}://{host}:{port or _PORT}",
        user=unquote(parts.username or "neo4j"),
        database=database or None,
        timeout=timeout,
        names=names,
    )


def _told(query: str) -> tuple[float, Names]:
    told = dict(parse_qsl(query, keep_blank_values=True))
    seconds = told.pop("timeout", str(_TIMEOUT))
    try:
        timeout = float(seconds)
    except ValueError:
        timeout = 0.0
    if not 0 < timeout < float("inf"):
        raise UsageError(f"timeout={seconds} in the address: it must be a number of seconds.")
    known = [field.name for field in fields(Names)]
    strange = [key for key in told if key not in known]
    if strange:
        raise UsageError(
            f"{strange[0]}= in the address is not known. What can be named: {', '.join(known)}."
        )
    return timeout, Names(**told)
