"""Which pictures may answer, as a condition in Cypher. Values are parameters, always."""

import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lookgraph.stores.keys import key_of, path_of
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import SHOWS, Read
from lookgraph.types import Selection


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a picture.

    Attributes:
        text: in Cypher, of the node ``n``; begins with ``AND``, or is empty.
        values: of its parameters.
        most: so many pictures may answer at most, where it says by itself which.
    """

    text: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    most: int | None = None


def condition_of(among: Selection, names: Names, read: Read) -> Condition:
    """What a selection says.

    Whether a name matches a glob is for Python to decide, as it does for every other library: the
    server finds the paths that may match, and is told which pictures' do.

    Args:
        among: the selection.
        names: of properties and labels.
        read: asks the server; only for names.
    """
    parts: list[str] = []
    values: dict[str, Any] = {}
    if among.name:
        parts.append("n.row IN $rows")
        values["rows"] = _rows_named(among, names, read)
    elif among.under:
        parts.append(
            f"EXISTS {{ MATCH (file:`{names.own('File')}`)-[:{SHOWS}]->(n)"
            " WHERE file.key STARTS WITH $under }"
        )
        values["under"] = _beginning(among.under)
    if among.ids is not None:
        parts.append(f"n.`{names.id}` IN $ids")
        values["ids"] = sorted(among.ids)
    if among.taken_from is not None:
        parts.append(f"n.`{names.taken}` >= $taken_from")
        values["taken_from"] = among.taken_from
    if among.taken_to is not None:
        parts.append(f"left(n.`{names.taken}`, size($taken_to)) <= $taken_to")
        values["taken_to"] = among.taken_to
    if among.min_side:
        parts.append(f"n.`{names.width}` >= $side AND n.`{names.height}` >= $side")
        values["side"] = among.min_side
    text = "".join(f" AND {part}" for part in parts)
    named = [len(values[key]) for key in ("rows", "ids") if key in values]
    return Condition(text, values, min(named) if named else None)


def _beginning(folder: str) -> str:
    return key_of(folder) + "/"


def _rows_named(among: Selection, names: Names, read: Read) -> list[int]:
    """The rows of pictures with a file whose name matches, and that lies where it should."""
    found = read(
        f"MATCH (file:`{names.own('File')}`)-[:{SHOWS}]->(n)"
        " WHERE file.key STARTS WITH $under AND file.key =~ $name AND n.row IS NOT NULL"
        " RETURN file.key AS key, n.row AS row",
        under=_beginning(among.under) if among.under else "",
        name=loose(among.name),
    )
    matches = _matcher(among.name)
    return sorted({int(one["row"]) for one in found if matches(path_of(one["key"]))})


def _matcher(glob: str) -> Callable[[str], bool]:
    match = re.compile(fnmatch.translate(glob)).match
    if "/" in glob:
        return lambda path: match(path) is not None
    return lambda path: match(path.rpartition("/")[2]) is not None


_CHARACTER = ".{1,4}"
"""A character of a path is that many characters of its key: its bytes in UTF-8."""


def loose(glob: str) -> str:
    """A regular expression of the server's (Java's) for all keys that a glob may match, or more.

    What is to be taken by the letter is escaped; of the sets in brackets only the length counts.
    """
    found = ["(?s)" if "/" in glob else "(?s)(?:.*/)?"]
    place = 0
    while place < len(glob):
        letter = glob[place]
        place += 1
        if letter == "[" and (end := _end_of_set(glob, place)):
            place = end
            letter = "?"
        if letter == "*":
            if found[-1] != ".*":  # two in a row would be tried in all ways that they can share
                found.append(".*")
        elif letter == "?":
            found.append(_CHARACTER)
        else:
            found.append(re.escape(key_of(letter)))
    return "".join(found)


def _end_of_set(glob: str, start: int) -> int:
    """The place behind a set in brackets, as fnmatch finds it; 0 if it is not closed."""
    place = start + (glob[start : start + 1] == "!")
    place += glob[place : place + 1] == "]"
    return glob.find("]", place) + 1
