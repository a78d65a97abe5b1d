"""What people have said of pictures, by the rows of those that can answer."""

from lookgraph.graph.verdicts import NO_VERDICTS, Verdicts
from lookgraph.stores.judged import as_rows
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import Read, StoredSpace
from lookgraph.stores.neo4j.verdicts import EITHER, KINDS
from lookgraph.types import Verdict


def verdict_rows(read: Read, names: Names, stored: StoredSpace) -> Verdicts:
    """What was said of pairs of pictures that have a file and an embedding.

    Also what follows from it through pictures that have none, as `lookgraph.stores.judged` has it.
    """
    found = read(
        f"MATCH (a:`{names.own()}`)-[said:{EITHER}]->(b:`{names.own()}`)"
        " WHERE said.said IS NOT NULL"
        f" RETURN type(said) AS kind, a.`{names.id}` AS first, b.`{names.id}` AS second,"
        f" {_row('a', names, stored)} AS one, {_row('b', names, stored)} AS other"
    )
    if not found:
        return NO_VERDICTS
    verdicts = [Verdict(its["first"], its["second"], KINDS[its["kind"]], "") for its in found]
    row_of = {its["first"]: its["one"] for its in found}
    row_of |= {its["second"]: its["other"] for its in found}
    return as_rows(verdicts, {id_: row for id_, row in row_of.items() if row is not None})


def _row(node: str, names: Names, stored: StoredSpace) -> str:
    can_answer = f"{node}:`{names.label}` AND {node}.`{stored.property}` IS NOT NULL"
    return f"CASE WHEN {can_answer} THEN {node}.row END"
