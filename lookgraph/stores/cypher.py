"""Questions in Cypher, asked of a store that understands it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

Value: TypeAlias = bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"] | None
"""A value in an answer, as JSON has them.

A node is a map of its ``labels`` and ``properties``; a relation one of its ``type``, ``from`` and
``to`` (the server's names of its ends) and ``properties``; a path one of its ``nodes`` and
``relations``. Times are texts in ISO 8601, bytes texts in hexadecimal; what is infinite or not a
number is None.
"""


@dataclass(frozen=True, slots=True)
class Table:
    """What a question was answered with.

    Attributes:
        columns: their names.
        rows: a value for each column.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@runtime_checkable
class AsksCypher(Protocol):
    """A store that can be asked in Cypher."""

    def query(self, cypher: str, values: Mapping[str, object]) -> Table:
        """The answer to a question, which changes nothing.

        Args:
            cypher: the question.
            values: of its parameters, by their names without ``$``.

        Raises:
            UsageError: it is no question, or would change something.
        """
        ...
