"""``lookgraph serve``."""

import ipaddress
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.errors import MissingExtraError, UsageError
from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    library_option,
    open_library,
    runtime_options,
    say,
)

if TYPE_CHECKING:
    from lookgraph.interfaces.rest.settings import Settings

_TOGETHER = 8
"""Pictures of several requests that the network takes at once."""

_BACKLOG = 1024
"""Connections that wait to be accepted."""

_GRACE_SECONDS = 30
"""What is under way when the service is told to end has so long."""


@click.command()
@library_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 for any."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="What every request has to bring; else LOOKGRAPH_TOKEN in the environment. Any other "
    "address than this machine's own needs one.",
)
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
        import uvicorn

        from lookgraph.config import usable_cores
        from lookgraph.ingest.decoders import Decoders
        from lookgraph.interfaces.rest.service import make_service
        from lookgraph.searching import Asking
    except ImportError as error:
        raise MissingExtraError("Serving a library", "serve") from error
    settings = _settings(host, token_file, originals, origins, max_upload)
    decoders = Decoders(usable_cores())
    asking = Asking(decoders.decode, _TOGETHER)
    opened = open_library(library, None, runtime, device, asking)
    opened.space()  # a library that cannot be searched is told of now
    with _listening(host, port) as listener:
        address = f"[{host}]" if ":" in host else host
        guarded = "every request needs the token" if settings.token else "for this machine alone"
        say(f"{opened.root} at http://{address}:{listener.getsockname()[1]}/v1, {guarded}.")
        config = uvicorn.Config(
            make_service(opened, settings),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            decoders.close()


def _settings(
    host: str, token_file: Path | None, originals: bool, origins: tuple[str, ...], max_upload: int
) -> "Settings":
    from lookgraph.interfaces.rest.settings import OWN_NAMES, Limits, Settings

    token = _token(token_file)
    is_own = _is_own(host)
    if not is_own and token is None:
        raise UsageError(
            f"Whoever reaches {host} could ask. Give the service a token, --token-file FILE or "
            "LOOKGRAPH_TOKEN in the environment, or let it listen on 127.0.0.1."
        )
    limits = Limits(upload_bytes=max_upload * 2**20)
    return Settings(token, OWN_NAMES if is_own else (), originals, origins, limits)


def _is_own(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token(file: Path | None) -> str | None:
    from lookgraph.config import service_token

    if file is None:
        return service_token()
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}, the token's file, cannot be read: {error}.") from error
    if not token:
        raise UsageError(f"{file}, the token's file, is empty.")
    return token


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        # asyncio sets it only on sockets that were made for TCP by name. Without it each answer
        # waits 40 ms for the acknowledgement of its headers.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise UsageError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}. Choose another port: "
            "--port 0 takes any that is free."
        ) from error
