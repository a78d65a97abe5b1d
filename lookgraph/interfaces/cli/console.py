"""What all commands share: options, words on stderr, data on stdout."""

import json
import os
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

from lookgraph.aside import written_aside
from lookgraph.errors import LookgraphError

if TYPE_CHECKING:
    from lookgraph.library import Library
    from lookgraph.searching import Asking

Command = TypeVar("Command", bound=Callable[..., Any])

LibraryPlace: TypeAlias = Path | str
"""Where a library is: a folder, or the address of a server."""

SKIPPED = 3
"""The exit status when the work is done, but some pictures were left out."""


class PlaceParam(click.Path):
    """A `LibraryPlace`: a path would drop a slash of an address."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: "str | os.PathLike[str]",
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> "str | bytes | os.PathLike[str]":
        """An address as it is, and anything else as a path."""
        from lookgraph.places import as_address

        return as_address(value) or super().convert(value, param, ctx)


def library_option(command: Command) -> Command:
    """Add ``--library``, a `LibraryPlace`."""
    return click.option(
        "--library",
        metavar="DIR",
        type=PlaceParam(),
        help="Where the library is: its own folder, the folder of pictures that it is in, or a "
        "server, neo4j://USER@HOST/DATABASE or milvus://HOST/COLLECTION; or milvus:///FILE.db."
        "  [default: the nearest one above the current folder]",
    )(command)


def json_option(command: Command) -> Command:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON on stdout.")(
        command
    )


def runtime_options(command: Command) -> Command:
    """Add ``--runtime`` and ``--device``."""
    runtime = click.option(
        "--runtime",
        type=click.Choice(["auto", "onnxruntime", "openvino"]),
        default="auto",
        help="What runs the network.  [default: the faster one, once measured]",
    )
    device = click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "gpu"]),
        default="auto",
        help="Where it runs.  [default: a GPU where the runtime can use one]",
    )
    return runtime(device(command))


def open_library(
    library: LibraryPlace | None,
    folder: Path | None = None,
    runtime: str = "auto",
    device: str = "auto",
    asking: "Asking | None" = None,
) -> "Library":
    """The library that the options speak of."""
    from lookgraph.library import Library

    password = None if library is None else _password(library)
    opened = Library.open(
        folder or Path(), at=library, password=password, runtime=runtime, device=device,
        asking=asking,
    )  # fmt: skip
    if context := click.get_current_context(silent=True):
        context.call_on_close(opened.close)
    return opened


def _password(library: LibraryPlace) -> str | None:
    """What somebody types where a server needs a password, the environment has none, and one can.

    Nothing is a password too: that of a server that asks for none.
    """
    from lookgraph.config import milvus_password, neo4j_password
    from lookgraph.places import Engine, as_address, engine_of

    if as_address(library) is None or not sys.stdin.isatty():
        return None
    if engine_of(library) is Engine.MILVUS:
        if milvus_password() is not None or "@" not in str(library):  # nobody is named
            return None
    elif neo4j_password() is not None:
        return None
    typed = click.prompt(f"Password for {library}", default="", hide_input=True,
                         show_default=False, err=True)  # fmt: skip
    return typed or None


def library_for(
    picture: str | None, library: LibraryPlace | None, runtime: str, device: str
) -> "Library":
    """The library that a search is in: the one asked for, or found here, or else the picture's."""
    opened = open_library(library, None, runtime, device)
    if picture is None or library is not None or opened.store.exists():
        return opened
    folder = Path(picture).parent
    return open_library(None, folder, runtime, device) if folder.is_dir() else opened


def say(text: str) -> None:
    """Words for people, on stderr."""
    click.echo(printable(text), err=True)


def put(text: str) -> None:
    """A line of data, on stdout. Bytes of file names that are no UTF-8 come out as they are."""
    _write(os.fsencode(text))


def put_json(value: object) -> None:
    """One JSON object on stdout, in ASCII, so that any file name survives."""
    _write(json.dumps(value, indent=2).encode())


def put_page(page: str, file: Path) -> None:
    """Write a page, aside first, so that there is never half of one."""
    with written_aside(file) as aside:
        aside.write_text(page, encoding="utf-8")


def _write(line: bytes) -> None:
    try:
        click.echo(line)
    except OSError as error:
        # What is still in the buffer would fail again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            # Whoever read our output has seen enough, as in `lookgraph search … | head`.
            raise click.exceptions.Exit(0) from None
        raise LookgraphError(f"The answer cannot be written: {error.strerror}.") from error


def printable(text: str) -> str:
    """Text that a terminal shows and does not obey: file names come from anywhere."""
    return "".join(map(_printable_character, text))


def printable_name(name: str) -> str:
    """As `printable`, and in one line, which a file's name need not be."""
    return printable(name.replace("\n", "\\n").replace("\t", "\\t"))


def _printable_character(character: str) -> str:
    if character in "\n\t":
        return character
    category = unicodedata.category(character)
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"
    # Cc are control characters, Cf among others those that turn the direction of writing.
    return f"\\x{ord(character):02x}" if category in {"Cc", "Cf"} else character


def shown_path(file: str) -> str:
    """A path as somebody in the current folder would type it."""
    try:
        below = os.path.relpath(file)
    except (OSError, ValueError):
        return file  # on another drive, or the current folder is gone
    return file if below.startswith(os.pardir) else below


def size_text(count: int) -> str:
    """Bytes for people: ``14 MB``."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            digits = 0 if amount >= 10 or unit == "bytes" else 1
            return f"{amount:.{digits}f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def counted(count: int, one: str) -> str:
    """``1 picture``, ``1,688 pictures``."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def is_terminal() -> bool:
    """Whether stdout goes to a person."""
    return sys.stdout.isatty()
