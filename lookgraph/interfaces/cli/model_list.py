"""The networks that Lookgraph knows, as a table, as lines and as JSON."""

from collections.abc import Sequence

from lookgraph.interfaces.cli.console import put, size_text
from lookgraph.models.model import Carried, Model
from lookgraph.models.registry import DEFAULT_MODEL
from lookgraph.models.weights import files_of, is_here, is_ready, weights_folder

_HEAD = ("network", "numbers", "metric", "licence", "weights", "")
_NUMBERS = 1
"""The column that is set to the right."""


def as_json(model: Model) -> dict[str, object]:
    """One network."""
    return {
        "name": model.name,
        "summary": model.summary,
        "default": model.name == DEFAULT_MODEL,
        "dimension": model.dimension,
        "metric": model.metric,
        "text": model.text is not None,
        "licence": model.licence,
        "bytes": _bytes(model),
        "ready": is_ready(model),
        "package": model.weights.package if isinstance(model.weights, Carried) else None,
        "files": [
            {
                "url": published.url,
                "bytes": published.bytes,
                "path": str(weights_folder() / published.file),
                "ready": is_here(published),
            }
            for published in files_of(model)
        ],
    }


def put_lines(rows: Sequence[Model]) -> None:
    """One line for each network, with tabs between its columns."""
    for model in rows:
        put("\t".join((*_cells(model), model.summary)))


def show_table(rows: Sequence[Model]) -> None:
    """A table for people; below each network, what it is."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    cells = [_cells(model) for model in rows]
    widths = [max(map(len, column)) for column in zip(_HEAD, *cells, strict=True)]
    console = Console(highlight=False)
    console.print(Text(_line(_HEAD, widths), style="dim"))
    for model, row in zip(rows, cells, strict=True):
        line = Text(_line(row, widths))
        line.stylize("bold", 0, len(model.name))
        console.print(line)
        console.print(Padding(Text(model.summary, style="dim"), (0, 0, 0, 2)))
    console.print(f"Downloads are kept in {weights_folder()}", style="dim", markup=False)


def _cells(model: Model) -> tuple[str, ...]:
    notes = ("default" * (model.name == DEFAULT_MODEL), "words" * (model.text is not None))
    return (
        model.name,
        str(model.dimension),
        str(model.metric),
        model.licence,
        _state(model),
        ", ".join(filter(None, notes)),
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell.rjust(width) if column == _NUMBERS else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()


def _state(model: Model) -> str:
    if isinstance(model.weights, Carried):
        return "in its package" if is_ready(model) else "not installed"
    if is_ready(model):
        return f"ready, {size_text(_bytes(model))}"
    missing = sum(published.bytes for published in files_of(model) if not is_here(published))
    return f"{size_text(missing)} to fetch" if missing else "to fetch"


def _bytes(model: Model) -> int:
    """To download, all in all."""
    return sum(published.bytes for published in files_of(model))
