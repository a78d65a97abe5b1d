"""What the driver's errors mean, in sentences that say what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from neo4j import exceptions

from lookgraph.errors import (
    LibraryDamagedError,
    LibraryNotFoundError,
    LookgraphError,
    ServerError,
    StorageError,
    UsageError,
)
from lookgraph.stores.neo4j.client.address import Address


class TooLargeError(StorageError):
    """A transaction was larger than the server's memory for one: half of it may fit."""


@contextmanager
def server_errors(address: Address) -> Iterator[None]:
    """Turn what the driver raises into errors of ours.

    Raises:
        ServerError: the server cannot be reached, refuses, or is too slow.
        LibraryNotFoundError: it has no such database.
        StorageError: its memory or disk is full.
        UsageError: a question of somebody's own is none.
    """
    try:
        yield
    except exceptions.Neo4jError as error:
        raise _answered(address, error) from error
    except exceptions.DriverError as error:
        raise _unanswered(address, error) from error
    except (OSError, ValueError) as error:  # of the socket, of TLS, of the driver's own checks
        if isinstance(error, LookgraphError):
            raise
        raise ServerError(f"{address}: {error}.") from error


def _unanswered(address: Address, error: exceptions.DriverError) -> LookgraphError:
    if isinstance(error, exceptions.ConfigurationError):
        return ServerError(f"{address}: {_line(error)}.")
    if isinstance(error, exceptions.IncompleteCommit):
        return ServerError(
            f"{address}: the connection broke while a change was written. Run the command again: "
            "it goes on where it was, and writes nothing twice."
        )
    if "database" in str(error).lower() and "not found" in str(error).lower():
        return _no_database(address)
    if "SSL" in str(error) or "certificate" in str(error).lower():
        return ServerError(
            f"{address.uri}: no encrypted connection could be made ({_line(error)}). Without "
            "encryption the address begins with neo4j://, with a certificate that nobody has "
            "signed with neo4j+ssc://."
        )
    return ServerError(
        f"No Neo4j server answers at {address.uri} ({_line(error)}). Is it running, and is this "
        "its Bolt port? What was written is kept; run the command again when it is there."
    )


def _answered(address: Address, error: exceptions.Neo4jError) -> LookgraphError:
    code, told = error.code or "", _line(error)
    for part, meaning in _MEANINGS.items():
        if part in code:
            kind, words = meaning
            return kind(f"{address}: {words.format(told=told, user=address.user)}")
    if "DatabaseNotFound" in code:
        return _no_database(address)
    return _in_the_way(address, code, told) or ServerError(f"{address}: {told} ({code}).")


def _in_the_way(address: Address, code: str, told: str) -> LookgraphError | None:
    """What the schema of somebody else has against it."""
    if "ConstraintValidationFailed" in code:
        return StorageError(
            f"{address}: a constraint forbids what is to be written ({told}). Remove the node or "
            "the constraint that is in the way, or keep the pictures under another label: "
            f"{_relabelled(address)}"
        )
    if "ConstraintCreationFailed" in code or "ConstraintWithNameAlreadyExists" in code:
        return StorageError(
            f"{address}: the pictures' ids must be unique, and the constraint that says so cannot "
            f"be made ({told}). Remove what is in its way, or keep the pictures under another "
            f"label: {_relabelled(address)}"
        )
    if "Schema.IndexAlreadyExists" in code or "Schema.IndexWithNameAlreadyExists" in code:
        return StorageError(
            f"{address}: an index or constraint of somebody else's is in the way ({told}). Drop "
            f"it, or keep the pictures under another label: {_relabelled(address)}"
        )
    if "vector.similarity" in told or "gds.similarity" in told:
        return LibraryDamagedError(
            f"{address}: an embedding cannot be compared ({told}). If somebody has changed that "
            "of a picture, `lookgraph doctor --repair` embeds it again."
        )
    if re.search("vector.*dimension|dimension.*vector", told, re.IGNORECASE):
        return StorageError(
            f"{address}: the vector index is of another dimension ({told}). Drop that index and "
            "run `lookgraph index` again, or give the embeddings another property in the address: "
            "?embeddings=NAME"
        )
    return None


_MEANINGS: dict[str, tuple[type[LookgraphError], str]] = {
    "Security.AuthenticationRateLimit": (
        ServerError,
        "too many wrong passwords; the server waits some seconds. Check the password, then try "
        "again.",
    ),
    "Security.Unauthorized": (
        ServerError,
        "the server does not know {user} with this password. Set LOOKGRAPH_NEO4J_PASSWORD to the "
        "right one, and name the user in the address.",
    ),
    "Security.CredentialsExpired": (
        ServerError,
        "the password of {user} must be changed first: ALTER CURRENT USER SET PASSWORD FROM 'old' "
        "TO 'new', on the database system.",
    ),
    "Security.Forbidden": (
        ServerError,
        "{user} may not do that ({told}). Ask who runs the server for the right.",
    ),
    "MemoryPoolOutOfMemory": (
        TooLargeError,
        "the transaction needs more memory than the server grants one ({told}). Raise "
        "db.memory.transaction.max or dbms.memory.transaction.total.max.",
    ),
    "TransactionOutOfMemory": (
        TooLargeError,
        "the transaction needs more memory than the server grants one ({told}). Raise "
        "db.memory.transaction.max.",
    ),
    "General.OutOfMemoryError": (
        TooLargeError,
        "the server ran out of memory ({told}). Give it more: server.memory.heap.max_size.",
    ),
    "TransactionTimedOut": (
        ServerError,
        "the question took too long and was stopped ({told}). Give it longer: ?timeout=SECONDS in "
        "the address, and db.transaction.timeout on the server.",
    ),
    "ForbiddenOnReadOnlyDatabase": (
        ServerError,
        "this database can only be read here. Write to the one that leads its cluster, with "
        "neo4j:// and not bolt://.",
    ),
    "WriteOnReadOnlyAccessDatabase": (
        ServerError,
        "this database is set to be read only: `ALTER DATABASE … SET ACCESS READ WRITE`, or ask "
        "who runs the server.",
    ),
    "NotALeader": (
        ServerError,
        "this server can only be read. Write to the one that leads its cluster, with neo4j:// and "
        "not bolt://.",
    ),
    "DatabaseUnavailable": (
        ServerError,
        "the database is not available ({told}). Is it starting, or stopped? Try again.",
    ),
    "Statement.SyntaxError": (UsageError, "the server does not understand this: {told}"),
    "Statement.AccessMode": (
        UsageError,
        "this would change the database, and may only read it: {told}",
    ),
    "Statement.ParameterMissing": (
        UsageError,
        "{told}. `lookgraph search --cypher` gives $query, the embedding, and $k.",
    ),
    "Procedure.ProcedureNotFound": (
        ServerError,
        "the server lacks a procedure that this needs ({told}).",
    ),
}
"""By a part of the code of `Neo4j Status Codes`, what each means."""


def _no_database(address: Address) -> LibraryNotFoundError:
    return LibraryNotFoundError(
        f"{address.uri} has no database {address.database!r}. `SHOW DATABASES` lists what it has; "
        "the Community Edition has one, neo4j."
    )


def _relabelled(address: Address) -> str:
    return f"?label=Photo in the address instead of {address.names.label}"


def _line(error: exceptions.Neo4jError | exceptions.DriverError) -> str:
    """What it says, in one line of a bearable length, without a full stop."""
    told = getattr(error, "message", None) or str(error)
    return " ".join(told.split())[:300].rstrip(".")
