"""Options of the commands that ask the graph."""

from collections.abc import Callable
from pathlib import Path

import click

from lookgraph.interfaces.cli.console import Command


def model_option(command: Command) -> Command:
    """Add ``--model``."""
    return click.option(
        "--model",
        metavar="MODEL",
        help="Whose embeddings are compared, if the library has several.  [default: the first]",
    )(command)


def html_option(command: Command) -> Command:
    """Add ``--html``."""
    return click.option(
        "--html",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write a page that shows it; it needs nothing but itself.",
    )(command)


def threshold_option(words: str) -> Callable[[Command], Command]:
    """Add ``--threshold``, with what it is in words."""
    return click.option("--threshold", type=float, metavar="SCORE", help=words)


def most_option(command: Command) -> Command:
    """Add ``-n``."""
    return click.option(
        "-n", "--most", type=click.IntRange(1), default=20, show_default=True, help="So many."
    )(command)


def one_way_out(html: Path | None, *, as_json: bool) -> None:
    """Refuse two ways to answer at once."""
    if html and as_json:
        raise click.UsageError("--html and --json cannot be given together.")
