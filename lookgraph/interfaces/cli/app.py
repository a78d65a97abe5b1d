"""``lookgraph app``."""

from pathlib import Path

import click

from lookgraph.errors import MissingExtraError
from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    library_option,
    open_library,
    runtime_options,
    say,
)
from lookgraph.interfaces.cli.demo import drawn_catalogue
from lookgraph.interfaces.cli.listening import (
    address_of,
    answer,
    listening,
    listening_options,
    settings_for,
)

_MAX_UPLOAD = 64
"""MB."""

_GRACE_SECONDS = 5
"""Browsers keep their web sockets open until they are closed here."""


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@library_option
@click.option("--demo", "is_demo", is_flag=True, help="Show pictures that Lookgraph draws.")
@listening_options(8501)
@runtime_options
@click.pass_context
def app(
    context: click.Context,
    folder: Path | None,
    library: LibraryPlace | None,
    is_demo: bool,
    host: str,
    port: int,
    token_file: Path | None,
    runtime: str,
    device: str,
) -> None:
    """Look, walk and decide in the browser: the library of FOLDER, or of this one."""
    try:
        import uvicorn  # noqa: F401 - to miss it now

        from lookgraph.config import usable_cores
        from lookgraph.ingest.decoders import Decoders
        from lookgraph.interfaces.app.serving import make_app
        from lookgraph.searching import Asking
    except ImportError as error:
        raise MissingExtraError("The app", "app") from error
    if is_demo:
        folder = _drawn(context)
    settings = settings_for(host, token_file, _MAX_UPLOAD)
    decoders = Decoders(usable_cores())
    opened = open_library(library, folder, runtime, device, Asking(decoders))
    with listening(host, port) as listener:
        rest = "/?token=…" if settings.token else "/"
        say(f"{opened.root}: look at {address_of(host, listener)}{rest}")
        try:
            answer(make_app(opened, decoders, settings), listener, _GRACE_SECONDS)
        finally:
            decoders.close()


def _drawn(context: click.Context) -> Path:
    """The folder of the drawn catalogue, indexed, with its graph."""
    from lookgraph.interfaces.cli.index import index

    place = drawn_catalogue()
    context.invoke(index, folder=place)
    with open_library(None, place) as library:
        library.graph().build()
    return place
