"""``lookgraph search --cypher``: questions of one's own, and their answers."""

import json
from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.console import is_terminal, printable_name, put, put_json

if TYPE_CHECKING:
    from typing import BinaryIO

    from lookgraph.stores.cypher import Table, Value
    from lookgraph.types import Selection

_MANY = 8
"""Longer lists of numbers are shortened, for people."""

_CANNOT = ("min_score", "max_distance", "html", "exact", "recall", "rank")
"""The options that say how to search, which the question itself does."""


def refuse_with_cypher(context: click.Context, among: "Selection") -> None:
    """Refuse options that a question of one's own could not heed."""
    from lookgraph.types import EVERYTHING

    given = [name for name in _CANNOT if _is_given(context, name)]
    if given:
        raise click.UsageError(f"--{given[0].replace('_', '-')} cannot be given with --cypher.")
    if among != EVERYTHING:
        raise click.UsageError("With --cypher, the question itself says which pictures may answer.")


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def read_question(file: "BinaryIO") -> str:
    """The question in a file."""
    try:
        return file.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"The question in {file.name} cannot be read: {error}.") from None


def put_table(answer: "Table", *, as_json: bool) -> None:
    """Print an answer: in JSON, as a table for people, or as lines with tabs between values."""
    if as_json:
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        put_json({"columns": answer.columns, "rows": rows})
    elif is_terminal():
        _show(answer)
    else:
        put("\t".join(map(printable_name, answer.columns)))
        for row in answer.rows:
            put("\t".join(map(_text, row)))


def _show(answer: "Table") -> None:
    from rich.console import Console
    from rich.table import Table as Columns
    from rich.text import Text

    table = Columns(box=None, pad_edge=False, header_style="dim")
    for column in answer.columns:
        table.add_column(Text(printable_name(column)), overflow="fold")
    for row in answer.rows:
        table.add_row(*(Text(_text(value)) for value in row))
    Console().print(table)


def _text(value: "Value") -> str:
    if isinstance(value, str):
        return printable_name(value)
    return printable_name(json.dumps(_short(value), ensure_ascii=False))


def _short(value: "Value") -> "Value":
    """The same with what are embeddings shortened."""
    if isinstance(value, dict):
        return {key: _short(one) for key, one in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) > _MANY and all(isinstance(one, int | float) for one in value):
        return [*value[:2], f"… {len(value):,} numbers"]
    return [_short(one) for one in value]
