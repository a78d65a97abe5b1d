"""``lookgraph serve``."""

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
from lookgraph.interfaces.cli.listening import (
    address_of,
    answer,
    listening,
    listening_options,
    settings_for,
)

_TOGETHER = 4
"""Pictures of several requests that the network takes at once."""

_GRACE_SECONDS = 30
"""What is under way when the service is told to end has so long."""


@click.command()
@library_option
@listening_options(8765)
@click.option("--originals", is_flag=True, help="Give out whole files, not thumbnails alone.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Let web pages of this origin ask from a browser; repeatable.",
)
@click.option(
    "--max-upload",
    type=click.IntRange(1, 1024),
    default=32,
    show_default=True,
    metavar="MB",
    help="What one request may send.",
)
@runtime_options
def serve(
    library: LibraryPlace | None,
    host: str,
    port: int,
    token_file: Path | None,
    originals: bool,
    origins: tuple[str, ...],
    max_upload: int,
    runtime: str,
    device: str,
) -> None:
    """Answer over HTTP what the other commands answer here.

    The description of all that can be asked is at /v1/openapi.json.
    """
    try:
        import uvicorn  # noqa: F401 - to miss it now

        from lookgraph.config import usable_cores
        from lookgraph.ingest.decoders import Decoders
        from lookgraph.interfaces.rest.searchers import Searchers
        from lookgraph.interfaces.rest.service import make_service
        from lookgraph.searching import Asking
    except ImportError as error:
        raise MissingExtraError("Serving a library", "serve") from error
    settings = settings_for(host, token_file, max_upload, originals=originals, origins=origins)
    decoders = Decoders(usable_cores())
    asking = Asking(decoders, _TOGETHER)
    opened = open_library(library, None, runtime, device, asking)
    opened.space()  # a library that cannot be searched is told of now
    own = opened.store.folder  # a server's libraries have none
    searchers = None if own is None else Searchers(usable_cores(), own)
    with listening(host, port) as listener:
        guarded = "every request needs the token" if settings.token else "for this machine alone"
        say(f"{opened.root} at {address_of(host, listener)}/v1, {guarded}.")
        try:
            answer(make_service(opened, settings, searchers), listener, _GRACE_SECONDS)
        finally:
            decoders.close()
