"""What people have said of pairs of pictures, as pairs of rows of a space."""

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from lookgraph.graph.verdicts import NO_VERDICTS, Verdicts, classes
from lookgraph.stores.records import read_verdicts
from lookgraph.types import Verdict, VerdictKind


def same_as(verdicts: Sequence[Verdict]) -> dict[str, list[str]]:
    """The ids of all pictures that are the same as each that something was said of, itself too."""
    said = [its for its in verdicts if its.kind is VerdictKind.SAME]
    found = classes((its.first, its.second) for its in said)
    for its in verdicts:
        for id_ in (its.first, its.second):
            found.setdefault(id_, [id_])
    return found


def judged_rows(database: sqlite3.Connection, space: int) -> Verdicts:
    """What was said of pairs of pictures that have a file and a row in a space."""
    verdicts = read_verdicts(database)
    return as_rows(verdicts, _rows(database, space)) if verdicts else NO_VERDICTS


def as_rows(verdicts: Sequence[Verdict], row_of: Mapping[str, int]) -> Verdicts:
    """What was said of pairs of pictures, as pairs of rows.

    Also what follows from it through pictures that have none: what is the same as one of them is
    the same. The pairs of what is the same lead from each to the next; of what is different, one
    of each side stands for all that are the same.

    Args:
        verdicts: all that was said.
        row_of: the rows of those pictures that have one, by their ids.
    """
    same_of = same_as(verdicts)
    rows = {
        id(its): sorted(row_of[id_] for id_ in its if id_ in row_of) for its in same_of.values()
    }
    same = {pair for its in rows.values() for pair in pairwise(its)}
    different = set()
    for verdict in verdicts:
        if verdict.kind is VerdictKind.DIFFERENT:
            one, other = (rows[id(same_of[id_])] for id_ in (verdict.first, verdict.second))
            if one and other:
                different.add((min(one[0], other[0]), max(one[0], other[0])))
    return Verdicts(
        np.array(sorted(same), np.int32).reshape(-1, 2),
        np.array(sorted(different), np.int32).reshape(-1, 2),
    )


def _rows(database: sqlite3.Connection, space: int) -> dict[str, int]:
    """The rows of those pictures of which something was said, by their ids."""
    found = database.execute(
        "SELECT id, row FROM (SELECT first AS id FROM verdicts UNION SELECT second FROM verdicts)"
        " CROSS JOIN pictures USING (id) CROSS JOIN embeddings USING (picture)"
        " WHERE files > 0 AND space = ?",
        (space,),
    )
    return {id_.hex(): row for id_, row in found}
