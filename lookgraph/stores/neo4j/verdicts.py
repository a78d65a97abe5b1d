"""What people have said of pairs of pictures, as relations between them."""

from neo4j import ManagedTransaction

from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import Read
from lookgraph.types import Verdict, VerdictKind

RELATIONS = {VerdictKind.SAME: "SAME_AS", VerdictKind.DIFFERENT: "DIFFERENT_FROM"}
KINDS = {relation: kind for kind, relation in RELATIONS.items()}
EITHER = "|".join(KINDS)
"""Any of these relations, in Cypher."""


def read_verdicts(read: Read, names: Names) -> tuple[Verdict, ...]:
    """All of them, in the order of their ids."""
    found = read(
        f"MATCH (a:`{names.own()}`)-[said:{EITHER}]->(b:`{names.own()}`)"
        " WHERE said.said IS NOT NULL"
        f" RETURN a.`{names.id}` AS first, b.`{names.id}` AS second, type(said) AS kind,"
        " said.said AS said ORDER BY first, second"
    )
    return tuple(
        Verdict(its["first"], its["second"], KINDS[its["kind"]], str(its["said"])) for its in found
    )


def write_verdict(transaction: ManagedTransaction, names: Names, verdict: Verdict) -> None:
    """Keep what was said; of pictures that are not there, at least the ids."""
    forget_verdict(transaction, names, verdict.first, verdict.second)
    transaction.run(
        f"MERGE (a:`{names.own()}` {{`{names.id}`: $first}})"
        f" MERGE (b:`{names.own()}` {{`{names.id}`: $second}})"
        f" CREATE (a)-[:{RELATIONS[verdict.kind]} {{said: $said}}]->(b)",
        first=verdict.first,
        second=verdict.second,
        said=verdict.said,
    ).consume()


def forget_verdict(transaction: ManagedTransaction, names: Names, first: str, second: str) -> bool:
    """Forget what was said of two pictures; whether anything was."""
    done = transaction.run(
        f"MATCH (:`{names.own()}` {{`{names.id}`: $first}})-[said:{EITHER}]->"
        f"(:`{names.own()}` {{`{names.id}`: $second}}) WHERE said.said IS NOT NULL DELETE said",
        first=first,
        second=second,
    ).consume()
    return done.counters.relationships_deleted > 0
