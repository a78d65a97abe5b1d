"""``lookgraph evaluate``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    counted,
    is_terminal,
    json_option,
    library_option,
    open_library,
    put,
    put_json,
    say,
)

if TYPE_CHECKING:
    from lookgraph.evaluating import Evaluated, Evaluation
    from lookgraph.evaluation.bootstrap import Measure

_NAMES = {"p1": "P@1", "p10": "P@10", "map": "mAP"}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@library_option
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="A network to evaluate; repeatable, to compare.  [default: all that the library has]",
)
@click.option(
    "--held-out", default=0.2, show_default=True, help="The share of each class that asks."
)
@click.option("--seed", default=0, show_default=True, help="Of the choice of those that ask.")
@json_option
@click.pass_context
def evaluate(
    context: click.Context,
    folder: Path,
    library: LibraryPlace | None,
    models: tuple[str, ...],
    held_out: float,
    seed: int,
    as_json: bool,
) -> None:
    """Measure how well the pictures in FOLDER find others of their class.

    FOLDER has a folder for each class. A share of each class is held out and asks; the rest is
    searched. P@1 and P@10 say how many of the first 1 and 10 hits are of the right class, mAP how
    early all of the class come. In brackets stand 95 % intervals: how far chance in the choice of
    the queries may have moved a number. P@10 is below 1 where a class has fewer than ten pictures.

    What is not indexed yet is indexed first.
    """
    from lookgraph.interfaces.cli.index import index

    opened = open_library(library, folder)
    for model in models or (None,) * (not opened.store.exists()):
        context.invoke(index, folder=folder, library=library, model=model)
    found = opened.evaluate(folder, models=models, held_out=held_out, seed=seed)
    if as_json:
        put_json(_as_json(found, held_out))
        return
    first = found.results[0].quality
    say(
        f"{counted(found.pictures, 'picture')} of {len(found.classes)} classes: "
        f"{first.queries:,} ask, {first.database:,} are searched."
    )
    if found.left_out:
        say(f"{counted(found.left_out, 'picture')} left out: in no folder, or not in all spaces.")
    if is_terminal():
        _show(found)
        return
    put("\t".join(["space", *_NAMES.values()]))
    for result in found.results:
        measures = [f"{getattr(result.quality, name).mean:.4f}" for name in _NAMES]
        put("\t".join([result.space.name, *measures]))


def _as_json(found: "Evaluation", held_out: float) -> dict[str, object]:
    return {
        "classes": found.classes,
        "pictures": found.pictures,
        "left_out": found.left_out,
        "held_out": held_out,
        "results": [_result_as_json(result) for result in found.results],
    }


def _result_as_json(result: "Evaluated") -> dict[str, object]:
    quality = result.quality
    told: dict[str, object] = {
        "space": result.space.name,
        "model": result.space.model,
        "queries": quality.queries,
        "database": quality.database,
        "seed": quality.seed,
        **{name: asdict(getattr(quality, name)) for name in _NAMES},
    }
    if result.difference:
        told["difference"] = asdict(result.difference)
    return told


def _show(found: "Evaluation") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("network", overflow="fold")
    for name in _NAMES.values():
        table.add_column(name, justify="right")
    for result in found.results:
        quality = result.quality
        table.add_row(_name(result, found), *(_measured(getattr(quality, name)) for name in _NAMES))
        if result.difference:
            differences = (_gained(getattr(result.difference, name)) for name in _NAMES)
            table.add_row("  above the first", *differences, style="dim")
    Console().print(table)


def _name(result: "Evaluated", found: "Evaluation") -> str:
    """The network's name, or the space's where several are of one network."""
    same = [one for one in found.results if one.space.model == result.space.model]
    return result.space.model if len(same) == 1 else result.space.name


def _measured(measure: "Measure") -> str:
    return _short(f"{measure.mean:.3f} [{measure.low:.3f}, {measure.high:.3f}]")


def _gained(measure: "Measure") -> str:
    return _short(f"{measure.mean:+.3f} [{measure.low:+.3f}, {measure.high:+.3f}]")


def _short(numbers: str) -> str:
    return numbers.replace("0.", ".")
