"""What people have said of pictures, by the rows of those that can answer."""

from itertools import pairwise

import numpy as np

from lookgraph.graph.verdicts import NO_VERDICTS, Verdicts
from lookgraph.stores.judged import same_as
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import Read, StoredSpace
from lookgraph.types import Verdict, VerdictKind

_KINDS = {"SAME_AS": VerdictKind.SAME, "DIFFERENT_FROM": VerdictKind.DIFFERENT}


def verdict_rows(read: Read, names: Names, stored: StoredSpace) -> Verdicts:
    """What was said of pairs of pictures that have a file and an embedding.

    Also what follows from it through pictures that have none, as `lookgraph.stores.judged` has it.
    """
    found = read(
        f"MATCH (a:`{names.own()}`)-[said:{'|'.join(_KINDS)}]->(b:`{names.own()}`)"
        " WHERE said.said IS NOT NULL"
        f" RETURN type(said) AS kind, a.`{names.id}` AS first, b.`{names.id}` AS second,"
        f" {_row('a', names, stored)} AS one, {_row('b', names, stored)} AS other"
    )
    if not found:
        return NO_VERDICTS
    verdicts = [Verdict(its["first"], its["second"], _KINDS[its["kind"]], "") for its in found]
    row_of = {its["first"]: its["one"] for its in found}
    row_of |= {its["second"]: its["other"] for its in found}
    same_of = same_as(verdicts)
    rows = {
        id(its): sorted(row_of[id_] for id_ in its if row_of[id_] is not None)
        for its in same_of.values()
    }
    same = {pair for its in rows.values() for pair in pairwise(its)}
    different = set()
    for verdict in verdicts:
        if verdict.kind is VerdictKind.DIFFERENT:
            one, other = (rows[id(same_of[id_])] for id_ in (verdict.first, verdict.second))
            if one and other:
                different.add((one[0], other[0]))
    return Verdicts(
        np.array(sorted(same), np.int32).reshape(-1, 2),
        np.array(sorted(different), np.int32).reshape(-1, 2),
    )


def _row(node: str, names: Names, stored: StoredSpace) -> str:
    can_answer = f"{node}:`{names.label}` AND {node}.`{stored.property}` IS NOT NULL"
    return f"CASE WHEN {can_answer} THEN {node}.row END"
