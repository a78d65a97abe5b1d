"""The address of a library in Milvus, as people type it."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from lookgraph.errors import UsageError

SCHEMES = ("milvus", "milvus+s")
"""``+s`` encrypts."""

_PORT = 19530
_TIMEOUT = 300.0
_COLLECTION = "lookgraph"
_SHAPE = "milvus://USER@HOST:PORT/COLLECTION, or milvus:///FOLDER/FILE.db"
_CONSISTENCIES = ("Strong", "Session", "Bounded", "Eventually")
_SAID = ("database", "tenant", "index", "replicas", "shards", "consistency", "timeout")
"""What may stand behind the question mark; of a file also the collection."""

_NAME = re.compile(r"[A-Za-z_]\w{0,63}", re.ASCII)
_TENANT = re.compile(r"[\w.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a library is, and what it is called there.

    Attributes:
        uri: of the server, as the driver takes it; of Milvus Lite, the file's absolute path.
        user: who asks; None where the server wants nobody.
        database: on that server; None for the usual one.
        collection: what the names of the library's collections begin with.
        tenant: whose library it is, where several share these collections; None for the only one.
        index: the type of the server's index for libraries that are not searched exactly, as
            Milvus calls it; None for HNSW.
        replicas: how often the server keeps what is searched in memory.
        shards: among how many channels the server shares what is written.
        consistency: of what is read, as Milvus has it: ``Strong`` is all that was written.
        timeout: seconds that one question may take.
    """

    uri: str
    user: str | None = None
    database: str | None = None
    collection: str = _COLLECTION
    tenant: str | None = None
    index: str | None = None
    replicas: int = 1
    shards: int = 1
    consistency: str = "Strong"
    timeout: float = _TIMEOUT

    @property
    def is_file(self) -> bool:
        """Whether it is one of Milvus Lite's, which this process opens itself."""
        return self.uri.startswith("/")

    def __str__(self) -> str:
        """As `parse` takes it; without what is as usual, and never with a password."""
        usual = Address(self.uri)
        told = {
            name: str(getattr(self, name))
            for name in _SAID
            if getattr(self, name) != getattr(usual, name)
        }
        if self.is_file and self.collection != _COLLECTION:
            told["collection"] = self.collection
        asked = "&".join(f"{key}={quote(value, safe='')}" for key, value in told.items())
        ending = f"{'?' * bool(asked)}{asked}"
        if self.is_file:
            return f"milvus://{quote(self.uri)}{ending}"
        scheme, _, host = self.uri.partition("://")
        user = "" if self.user is None else quote(self.user, safe="") + "@"
        return f"milvus{'+s' * (scheme == 'https')}://{user}{host}/{self.collection}{ending}"


def parse(text: str) -> Address:
    """What an address says: ``milvus://user@host:port/collection?tenant=shop``, or a file's.

    Behind the question mark may stand ``database``, ``tenant``, ``index``, ``replicas``,
    ``shards``, ``consistency`` and ``timeout`` in seconds; of a file also ``collection``.

    Raises:
        UsageError: it is none, or has a password in it. A password is not repeated.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(f"This is no address of a library in Milvus. Write {_SHAPE}") from None
    if parts.password is not None:
        raise UsageError(
            "Passwords do not belong on the command line, where others can read them. Leave it "
            "out, and set LOOKGRAPH_MILVUS_PASSWORD."
        )
    if parts.scheme not in SCHEMES or parts.fragment:
        raise UsageError(f"{text} is no address of a library in Milvus. Write {_SHAPE}")
    told = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not parts.netloc:
        return _with(_file(text, parts), told)
    collection = unquote(parts.path.strip("/")) or _COLLECTION
    if not parts.hostname or "collection" in told:
        raise UsageError(f"{text} is no address of a library in Milvus. Write {_SHAPE}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    scheme = "https" if parts.scheme == "milvus+s" else "http"
    user = None if parts.username is None else unquote(parts.username)
    return _with(
        Address(f"{scheme}://{host}:{port or _PORT}", user), told | {"collection": collection}
    )


def _file(text: str, parts: SplitResult) -> Address:
    path = unquote(parts.path)
    if parts.scheme != "milvus" or not path.startswith("/") or not path.endswith(".db"):
        raise UsageError(f"{text}: the name of a file of Milvus Lite ends in .db. Write {_SHAPE}")
    return Address(path)


def _with(address: Address, told: dict[str, str]) -> Address:
    """An address with what stands behind the question mark."""
    if strange := [key for key in told if key not in ("collection", *_SAID)]:
        raise UsageError(
            f"{strange[0]}= in the address is not known. What can be said: {', '.join(_SAID)}."
        )
    collection = told.get("collection", _COLLECTION)
    if not _NAME.fullmatch(collection):
        raise UsageError(
            f"{collection!r} is no name of a collection: a name has letters of English, digits and "
            "underscores, begins with no digit, and has 64 characters at most."
        )
    tenant = told.get("tenant")
    if tenant is not None and not _TENANT.fullmatch(tenant):
        raise UsageError(
            f"tenant={tenant} in the address: a name has letters of English, digits, points, "
            "hyphens and underscores, and 64 characters at most."
        )
    consistency = told.get("consistency", "Strong")
    if consistency not in _CONSISTENCIES:
        raise UsageError(
            f"consistency={consistency} in the address: it must be one of "
            f"{', '.join(_CONSISTENCIES)}."
        )
    index = told.get("index")
    if index is not None and not re.fullmatch(r"[A-Z][A-Z0-9_]{2,31}", index):
        raise UsageError(f"index={index} in the address is no type of index, such as DISKANN.")
    return Address(
        address.uri,
        address.user,
        told.get("database"),
        collection,
        tenant,
        index,
        _count(told, "replicas"),
        _count(told, "shards"),
        consistency,
        _seconds(told),
    )


def _count(told: dict[str, str], what: str) -> int:
    text = told.get(what, "1")
    if not re.fullmatch(r"[1-9][0-9]{0,2}", text):
        raise UsageError(f"{what}={text} in the address: it must be a number from 1 to 999.")
    return int(text)


def _seconds(told: dict[str, str]) -> float:
    text = told.get("timeout", str(_TIMEOUT))
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise UsageError(f"timeout={text} in the address: it must be a number of seconds.")
    return found
