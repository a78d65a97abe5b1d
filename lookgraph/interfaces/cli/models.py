"""``lookgraph models``."""

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
    put_json,
    say,
    size_text,
)
from lookgraph.interfaces.cli.fetching import fetching

if TYPE_CHECKING:
    from lookgraph.library import Library
    from lookgraph.models.model import Model


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """List the networks that Lookgraph knows; fetch or remove them.

    \b
        lookgraph models fetch resnet50
        lookgraph index photos --model resnet50
    """  # noqa: D301 - click wants the character itself
    if context.invoked_subcommand:
        if as_json:
            raise click.UsageError("--json is for the list.")
        return
    from lookgraph.interfaces.cli import model_list
    from lookgraph.models.registry import MODELS

    if as_json:
        put_json([model_list.as_json(model) for model in MODELS])
    elif is_terminal():
        model_list.show_table(MODELS)
    else:
        model_list.put_lines(MODELS)


@models.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@click.option(
    "--weights",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take this file, which you have from elsewhere, instead of a download; repeatable.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary.")
def fetch(names: tuple[str, ...], files: tuple[Path, ...], quiet: bool) -> None:
    """Download the weights of the networks NAME…, and check them.

    Stop it at any time: what has come stays, and the next run goes on. A proxy is taken from the
    environment: http_proxy, https_proxy, no_proxy.
    """
    from lookgraph.models.registry import find_model

    wanted = [find_model(name) for name in names]
    if files and len(wanted) > 1:
        raise click.UsageError("--weights is for one NAME.")
    for model in wanted:
        if files:
            _take(model, files, quiet)
        else:
            _fetch(model, quiet)


@models.command()
@click.argument("name", metavar="NAME")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@library_option
@click.option(
    "--weights",
    is_flag=True,
    help="Remove instead what was downloaded of the network and built from it.",
)
def remove(name: str, folder: Path | None, library: LibraryPlace | None, weights: bool) -> None:
    """Drop the embeddings of the network NAME from the library of FOLDER.

    NAME can also be that of one space, as `lookgraph status` shows it. The pictures, and other
    networks' embeddings, stay.
    """
    if not weights:
        _remove_embeddings(open_library(library, folder), name)
        return
    if folder or library:
        raise click.UsageError("--weights is not about a library: name none.")
    from lookgraph.models.registry import find_model

    _remove_weights(find_model(name))


def _fetch(model: "Model", quiet: bool) -> None:
    from lookgraph.models.weights import fetch_weights, locate_weights, verify_weights

    is_new = not verify_weights(model)
    if is_new:
        try:
            with fetching(model.name, quiet) as progress:
                fetch_weights(model, progress)
        except KeyboardInterrupt:
            say("Stopped. What has come is kept; run the command again to go on.")
            raise
    place = locate_weights(model)
    if not quiet:
        say(f"{model.name} {'is ready' if is_new else 'was here already'}: {place}")


def _take(model: "Model", files: tuple[Path, ...], quiet: bool) -> None:
    from lookgraph.models.weights import files_of, is_here, take_weights

    for file in files:
        kept = take_weights(model, file)
        if not quiet:
            say(f"{model.name}: {file} is kept as {kept}")
    for published in files_of(model):
        if not is_here(published):
            say(f"Still missing: {published.url}")


def _remove_embeddings(opened: "Library", name: str) -> None:
    for gone in opened.remove(name):
        say(
            f"{gone.space.name}: {counted(gone.pictures, 'embedding')} removed from the library of "
            f"{opened.root}, {size_text(gone.bytes)} freed."
        )


def _remove_weights(model: "Model") -> None:
    from lookgraph.models.weights import remove_weights

    freed = remove_weights(model)
    say(f"{model.name}: {size_text(freed)} freed." if freed else f"{model.name} takes no space.")
    if freed and (others := _with_the_same_file(model)):
        say(f"These were the weights of {', '.join(others)}, too.")


def _with_the_same_file(model: "Model") -> list[str]:
    from lookgraph.models.registry import MODELS
    from lookgraph.models.weights import files_of

    ours = set(files_of(model))
    return [one.name for one in MODELS if one.name != model.name and ours & set(files_of(one))]
