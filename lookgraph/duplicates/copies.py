"""Which of several copies of a picture is to be kept, and why."""

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from lookgraph.errors import UsageError
from lookgraph.types import Entry, Picture

_LOSSLESS = {"PNG", "TIFF", "BMP"}
_FEW_COLOURS = {"GIF"}


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that holds a picture.

    Attributes:
        entry: its path, relative to the library's folder, and when it was changed.
        picture: what is in it.
        is_link: whether it is a symbolic link to a file.
    """

    entry: Entry
    picture: Picture
    is_link: bool = False

    @property
    def path(self) -> str:
        """Relative to the library's folder."""
        return self.entry.path


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to keep a copy and not another.

    Attributes:
        name: what it is called when it is to come first.
        why: what it says of the copy that is kept, for people.
        key: of a copy; that with the lowest is kept.
        shows: what tells a copy from others, for people; empty if the path does.
    """

    name: str
    why: str
    key: Callable[[Copy], Any]
    shows: Callable[[Copy], str]


def _format_rank(copy: Copy) -> int:
    if copy.picture.format in _LOSSLESS:
        return 0
    return 2 if copy.picture.format in _FEW_COLOURS else 1


def _nothing(_: Copy) -> str:
    return ""


def _pixels(copy: Copy) -> int:
    return copy.picture.width * copy.picture.height


def _size(copy: Copy) -> str:
    return f"{copy.picture.width} × {copy.picture.height}"


def _bytes(copy: Copy) -> str:
    return f"{copy.entry.stamp.size:,} bytes"


def _oldest(copy: Copy) -> tuple[bool, str, int]:
    """A date that the picture tells is more than that of the file."""
    taken = copy.picture.taken
    return taken is None, taken or "", copy.entry.stamp.mtime_ns


def _newest(copy: Copy) -> tuple[bool, list[int], int]:
    undated, taken, changed = _oldest(copy)
    return undated, [-ord(character) for character in taken], -changed


def _date(copy: Copy) -> str:
    if copy.picture.taken:
        return copy.picture.taken.replace("T", " ")
    seconds = copy.entry.stamp.mtime_ns / 1e9
    changed = datetime.fromtimestamp(seconds, timezone.utc)
    return f"file of {changed:%Y-%m-%d %H:%M:%S}"


_LINK = Rule("link", "the file itself, and no link to one", lambda copy: copy.is_link, _nothing)

RULES = {
    rule.name: rule
    for rule in (
        Rule("resolution", "more pixels", lambda copy: -_pixels(copy), _size),
        Rule("format", "a better format", _format_rank, lambda copy: copy.picture.format),
        Rule("size", "more bytes", lambda copy: -copy.entry.stamp.size, _bytes),
        Rule("oldest", "the older one", _oldest, _date),
        Rule("newest", "the newer one", _newest, _date),
        Rule("path", "the shorter path", lambda copy: (len(copy.path), copy.path), _nothing),
    )
}
"""By name. Without other wishes, what keeps more of the picture, or is older, is kept."""

_USUAL = ("resolution", "format", "size", "oldest", "path")


def rules(prefer: Sequence[str] = ()) -> tuple[Rule, ...]:
    """The rules in the order in which they decide.

    Args:
        prefer: which come first: names of rules, or folders and globs whose files are preferred.

    Raises:
        UsageError: a word is neither.
    """
    first = [_named(word) for word in prefer]
    named = {rule.name for rule in first}
    return (_LINK, *first, *(RULES[name] for name in _USUAL if name not in named))


def _named(word: str) -> Rule:
    if word in RULES:
        return RULES[word]
    if not any(character in word for character in "/*?["):
        names = ", ".join(RULES)
        raise UsageError(
            f"{word!r} is nothing to prefer. Say one of {names}, or a folder (with a / behind its "
            "name) or a glob of paths."
        )
    glob = word + "*" if word.endswith("/") else word
    return Rule(word, f"in {word}", lambda copy: not fnmatch.fnmatchcase(copy.path, glob), _nothing)


@dataclass(frozen=True, slots=True)
class Choice:
    """The copies of one picture in order.

    Attributes:
        copies: the one to keep first.
        reason: what tells it from the next one, for people.
    """

    copies: tuple[Copy, ...]
    reason: str


def why(keep: Copy, other: Copy) -> str:
    """What speaks for keeping one copy and not another, for people; empty if nothing does."""
    chosen = choice((keep, other), rules())
    return chosen.reason if chosen.copies[0] is keep else ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is told of several copies of a picture.

    Attributes:
        name: the name of the rule that goes by it.
        shown: what it is, of each copy, for people.
        better: whether each copy is better in it than one of the others.
    """

    name: str
    shown: tuple[str, ...]
    better: tuple[bool, ...]

    @property
    def differs(self) -> bool:
        """Whether it tells the copies apart."""
        return len(set(self.shown)) > 1


def facts(copies: Sequence[Copy]) -> tuple[Fact, ...]:
    """What can be told of copies beside each other: pixels, format, bytes, date and path.

    Args:
        copies: at least one.
    """
    return tuple(_fact(RULES[name], copies) for name in _USUAL)


def _fact(rule: Rule, copies: Sequence[Copy]) -> Fact:
    if rule.name == "path":  # a shorter one is not better: it only decides where nothing else does
        return Fact(rule.name, tuple(copy.path for copy in copies), (False,) * len(copies))
    keys, shown = [rule.key(copy) for copy in copies], tuple(rule.shows(copy) for copy in copies)
    differs = len(set(shown)) > 1  # files of one second are as old for people
    better = tuple(differs and key == min(keys) != max(keys) for key in keys)
    return Fact(rule.name, shown, better)


def choice(copies: Sequence[Copy], by: Sequence[Rule]) -> Choice:
    """Put copies in order, the one to keep first.

    Args:
        copies: at least two.
        by: the rules that decide, the most important one first.
    """
    ordered = tuple(sorted(copies, key=lambda copy: [rule.key(copy) for rule in by]))
    keep, second = ordered[:2]
    # No two files have the same path, so one of the rules tells.
    rule = next(rule for rule in by if rule.key(keep) != rule.key(second))
    shown = [rule.shows(copy) for copy in (keep, second)]
    detail = f" ({shown[0]}, not {shown[1]})" if shown[0] != shown[1] else ""
    return Choice(ordered, rule.why + detail)
