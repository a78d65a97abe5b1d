"""``lookgraph export`` and ``lookgraph import``."""

from pathlib import Path

import click

from lookgraph.interfaces.cli.console import counted, library_option, open_library, say


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@library_option
@click.option("--model", metavar="MODEL", help="Whose embeddings, if the library has several.")
def export(file: Path, library: Path | None, model: str | None) -> None:
    """Write the embeddings and paths to FILE: .npz for NumPy, .parquet for everything else."""
    from lookgraph import exchange

    opened = open_library(library)
    count = exchange.write(opened.store, opened.space(model), file)
    say(f"Wrote {counted(count, 'file')} with embeddings to {file}.")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@library_option
def import_(file: Path, folder: Path | None, library: Path | None) -> None:
    """Read embeddings and paths from FILE, which `export` wrote, into the library of FOLDER.

    Pictures that the library has already keep their embeddings. Files that are not in FOLDER
    leave again when it is indexed.
    """
    from lookgraph import exchange

    opened = open_library(library, folder)
    count = exchange.read(opened.store, opened.takes, file, opened.root)
    say(f"Read {counted(count, 'file')} with embeddings from {file}.")
