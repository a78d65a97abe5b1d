"""What must hold of an entity, as Milvus' expressions. Values are escaped here and nowhere else.

Milvus Lite knows no parameters in expressions, and the driver writes values into them as Python
would, so a name with a quotation mark or a line break in it could say something else
(Milvus documentation, "Basic Operators"; "Boolean Expression Rules").
"""

import re
from collections.abc import Iterable

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(f"[{re.escape(''.join(_ESCAPES))}]")


def quoted(text: str) -> str:
    """A text as a literal."""
    return f'"{_ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)}"'


def is_(field: str, text: str) -> str:
    """The field has this text."""
    return f"{field} == {quoted(text)}"


def is_not(field: str, text: str) -> str:
    """The field has another text."""
    return f"{field} != {quoted(text)}"


def one_of(field: str, texts: Iterable[str]) -> str:
    """The field has one of these texts."""
    return f"{field} in [{', '.join(map(quoted, texts))}]"


def at_least(field: str, text: str) -> str:
    """The field's text is this or comes after it, in the order of code points."""
    return f"{field} >= {quoted(text)}"


def after(field: str, text: str) -> str:
    """The field's text comes after this."""
    return f"{field} > {quoted(text)}"


def before(field: str, text: str) -> str:
    """The field's text comes before this."""
    return f"{field} < {quoted(text)}"


def equals(field: str, number: int) -> str:
    """The field has this number."""
    return f"{field} == {number:d}"


def over(field: str, number: int) -> str:
    """The field's number is greater."""
    return f"{field} > {number:d}"


def has(field: str, number: int) -> str:
    """The field's array holds this number."""
    return f"array_contains({field}, {number:d})"


def like(field: str, pattern: str) -> str:
    """The field's text matches: ``%`` is for any text, ``_`` for one character."""
    return f"{field} like {quoted(pattern)}"


def both(*parts: str) -> str:
    """All of them hold."""
    return " and ".join(f"({part})" for part in parts if part)
