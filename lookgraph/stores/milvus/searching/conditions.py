"""Which pictures may answer, as expressions for the server and as what is looked at here."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lookgraph.stores.keys import key_of, path_of
from lookgraph.stores.milvus import expressions
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.files import below
from lookgraph.types import Selection

_FEW = 2000
"""Files whose pictures are named to the server; of more, those that were found are looked at."""

_IDS = 8000
"""Ids in one expression, which takes half a megabyte."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a picture.

    Attributes:
        parts: expressions for embeddings, of which one must hold; no two hold of the same.
        is_file: whether the file with a key is one that its picture may be found by; None if all
            are, or the parts say which pictures.
    """

    parts: tuple[str, ...]
    is_file: Callable[[str], bool] | None = None


def condition_of(connection: Connection, names: Names, among: Selection) -> Condition:
    """What a selection says.

    Whether a name matches a glob is for Python to decide, as it does for every other library.

    Args:
        connection: to the server, which is asked for files.
        names: of the library.
        among: the selection.
    """
    facts = []
    if among.taken_from is not None:
        facts.append(expressions.at_least("taken", among.taken_from))
    if among.taken_to is not None:
        facts.append(expressions.after("taken", ""))
        facts.append(
            expressions.before("taken", among.taken_to + "~")
        )  # behind all that dates have
    if among.min_side:
        facts += [expressions.over(side, among.min_side - 1) for side in ("width", "height")]
    ids, is_file = among.ids, None
    if among.under or among.name:
        is_file = _matcher(among)
        named = _few(connection, names, among, is_file)
        if named is not None:
            ids, is_file = named if ids is None else named & ids, None
    fixed = names.ours(*facts)
    if ids is None:
        return Condition((fixed,), is_file)
    return Condition(tuple(_by_ids(names, fixed, sorted(ids))), is_file)


def _by_ids(names: Names, fixed: str, ids: Sequence[str]) -> Iterable[str]:
    for start in range(0, len(ids), _IDS):
        keys = map(names.key, ids[start : start + _IDS])
        yield expressions.both(fixed, expressions.one_of("id", keys))


def _few(
    connection: Connection, names: Names, among: Selection, is_file: Callable[[str], bool]
) -> frozenset[str] | None:
    """The ids of the pictures in matching files; None if there are too many to name."""
    where = expressions.both(below(names, among.under), expressions.is_("skip", ""))
    if among.name:
        where = expressions.both(where, expressions.like("path", loose(among.name)))
    found = connection.query(names.files, where, ["path", "picture"], _FEW + 1)
    if len(found) > _FEW:
        return None
    return frozenset(told["picture"] for told in found if is_file(names.text(told["path"])))


def _matcher(among: Selection) -> Callable[[str], bool]:
    """Whether the file with a key is one of a folder, and has a name that matches."""
    start = key_of(among.under) + "/" if among.under else ""
    match = re.compile(fnmatch.translate(among.name or "*")).match
    has_slash = "/" in among.name

    def is_file(key: str) -> bool:
        path = path_of(key)
        return key.startswith(start) and bool(match(path if has_slash else path.rpartition("/")[2]))

    return is_file


def loose(glob: str) -> str:
    """A pattern of the server's for all keys that a glob may match, or more.

    Of what is no plain character of ASCII only that it is there counts.
    """
    found = ["" if "/" in glob else "%"]
    place = 0
    while place < len(glob):
        letter = glob[place]
        place += 1
        if letter == "[" and (end := glob.find("]", place + 1)) > 0:
            place, letter = end + 1, "*"
        is_plain = letter.isascii() and letter.isprintable() and letter not in "*?[%_\\"
        if is_plain:
            found.append(letter)
        elif found[-1] != "%":
            found.append("%")
    return "".join(found)
