"""What the driver's errors mean, in sentences that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from grpc import RpcError
from pymilvus.exceptions import MilvusException

from lookgraph.errors import (
    LookgraphError,
    ServerError,
    StorageError,
)
from lookgraph.stores.milvus.address import Address

_UNREACHABLE = (
    "Fail connecting",
    "server unavailable",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "timeout",
)
_REFUSED = (
    "auth check failure",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
    "permission deny",
    "privilege",
)
_FULL = ("No space left", "disk quota", "DiskQuotaExceeded", "memory quota", "MemoryQuotaExceeded")


@contextmanager
def server_errors(address: Address) -> Iterator[None]:
    """Turn what the driver raises into errors of ours.

    Raises:
        ServerError: the server cannot be reached, refuses, or is too slow.
        StorageError: the server's memory or disk is full.
    """
    try:
        yield
    except (MilvusException, RpcError) as error:
        raise _meant(address, str(error)) from error
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, LookgraphError):
            raise
        raise _meant(address, str(error)) from error


def _meant(address: Address, told: str) -> LookgraphError:
    line = " ".join(told.split())[:300]
    if any(word in told for word in _REFUSED):
        return ServerError(
            f"{address}: the server refuses ({line}). Say who asks in the address, "
            "milvus://USER@HOST/…, and put the password into LOOKGRAPH_MILVUS_PASSWORD."
        )
    if any(word in told for word in _FULL):
        return StorageError(f"{address}: the server has no room ({line}).")
    if any(word in told for word in _UNREACHABLE):
        return ServerError(
            f"No Milvus answers at {address.uri} ({line}). Is it running? What was written is "
            "kept; run the command again when it is there."
        )
    return ServerError(f"{address}: {line}")
