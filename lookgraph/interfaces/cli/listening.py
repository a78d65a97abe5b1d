"""Where a service or the app listens, and whom it lets in."""

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.errors import UsageError
from lookgraph.interfaces.cli.console import Command
from lookgraph.interfaces.rest.settings import OWN_NAMES, Limits, Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_BACKLOG = 1024
"""Connections that wait to be accepted."""


def listening_options(port: int) -> Callable[[Command], Command]:
    """Add ``--host``, ``--port`` and ``--token-file``.

    Args:
        port: the usual one.
    """

    def add(command: Command) -> Command:
        host = click.option(
            "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
        )
        number = click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=port,
            show_default=True,
            help="0 for any.",
        )
        token = click.option(
            "--token-file",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="What everybody has to bring; else LOOKGRAPH_TOKEN in the environment. Any other "
            "address than this machine's own needs one.",
        )
        return host(number(token(command)))

    return add


def settings_for(
    host: str,
    token_file: Path | None,
    max_upload: int,
    *,
    originals: bool = False,
    origins: tuple[str, ...] = (),
) -> Settings:
    """Who is let in at an address, and how much they may bring.

    Args:
        host: the address.
        token_file: of what has to be brought; None for what the environment says.
        max_upload: of one request, in MB.
        originals: as in `Settings`; so is the last.
        origins: likewise.

    Raises:
        UsageError: others can reach the address, and there is no token; or its file is none.
    """
    token = _token(token_file)
    is_own = _is_own(host)
    if not is_own and token is None:
        raise UsageError(
            f"Whoever reaches {host} could come in. Set a token, --token-file FILE or "
            "LOOKGRAPH_TOKEN in the environment, or listen on 127.0.0.1."
        )
    limits = Limits(upload_bytes=max_upload * 2**20)
    return Settings(token, OWN_NAMES if is_own else (), originals, origins, limits)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
        host: the address.
        port: 0 for any.

    Raises:
        UsageError: it is not to be had.
    """
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


def answer(app: "ASGIApp", listener: socket.socket, grace: int) -> None:
    """Have an application answer what comes, until it is told to end.

    Args:
        app: the application.
        listener: where it is asked.
        grace: seconds that what is under way then has.
    """
    import uvicorn

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=grace,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listener])


def address_of(host: str, listener: socket.socket) -> str:
    """``http://HOST:PORT`` of what listens there."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"


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
