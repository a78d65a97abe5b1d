"""What people have said of pairs of pictures."""

from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.records import (
    VERDICT,
    Record,
    as_written,
    drop_records,
    read_record,
    read_records,
    write_records,
)
from lookgraph.types import Verdict, VerdictKind


def read_verdicts(connection: Connection, names: Names) -> tuple[Verdict, ...]:
    """All that was said, in the order of the pictures' ids."""
    with as_written("a verdict"):
        return tuple(
            Verdict(told["first"], told["second"], VerdictKind(told["kind"]), told["said"])
            for told in read_records(connection, names, VERDICT)
        )


def write_verdict(connection: Connection, names: Names, verdict: Verdict) -> None:
    """Keep what was said, in place of what was said of the same pair before."""
    told = {
        "first": verdict.first,
        "second": verdict.second,
        "kind": str(verdict.kind),
        "said": verdict.said,
    }
    record = Record(_key(verdict.first, verdict.second), VERDICT, told)
    write_records(connection, names, [record])


def drop_verdict(connection: Connection, names: Names, first: str, second: str) -> bool:
    """Forget what was said of a pair; whether anything was."""
    key = _key(first, second)
    if read_record(connection, names, VERDICT, key) is None:
        return False
    drop_records(connection, names, VERDICT, [key])
    return True


def _key(first: str, second: str) -> str:
    return f"{first}/{second}"
