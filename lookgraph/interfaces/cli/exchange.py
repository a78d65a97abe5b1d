"""``lookgraph export`` and ``lookgraph import``: with files, and with Neo4j databases."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.console import (
    counted,
    json_option,
    library_option,
    open_library,
    put_json,
    say,
)
from lookgraph.interfaces.cli.exporting import export_to
from lookgraph.interfaces.cli.neo4j_import import import_from

if TYPE_CHECKING:
    from lookgraph.interfaces.cli.console import LibraryPlace


@click.command()
@click.argument("target", metavar="FILE")
@library_option
@click.option("--model", metavar="MODEL", help="Whose embeddings, if the library has several.")
@json_option
def export(
    target: str, library: "LibraryPlace | None", model: str | None, *, as_json: bool
) -> None:
    """Write the embeddings and paths to FILE: .npz for NumPy, .parquet for everything else.

    Or write the whole library to Neo4j, neo4j://USER@HOST/DATABASE, or to Milvus,
    milvus://HOST/COLLECTION: pictures, embeddings of all networks, graphs and verdicts. Do it again
    after the library has changed: only what is other now is written. What Lookgraph did not make
    there is left as it is.
    """
    from lookgraph.places import as_address

    if address := as_address(target):
        if model:
            raise click.UsageError("--model is for files: a database gets all embeddings.")
        export_to(address, library, as_json=as_json)
        return
    from lookgraph import exchange

    file = _file(target)
    opened = open_library(library)
    count = exchange.write(opened.store, opened.space(model), file)
    if as_json:
        put_json({"files": count, "file": str(file)})
    else:
        say(f"Wrote {counted(count, 'file')} with embeddings to {file}.")


@click.command("import")
@click.argument("source", metavar="FILE")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@library_option
@click.option(
    "--model",
    metavar="MODEL",
    help="Which network made the embeddings in a database."
    "  [default: the recipe's, by their dimension]",
)
@click.option(
    "--unchecked", is_flag=True, help="Do not check that the network makes such embeddings."
)
@click.pass_context
def import_(
    context: click.Context,
    source: str,
    folder: Path | None,
    library: "LibraryPlace | None",
    model: str | None,
    *,
    unchecked: bool,
) -> None:
    """Read embeddings and paths from FILE, which `export` wrote, into the library of FOLDER.

    Or from a library in Neo4j, neo4j://USER@HOST/DATABASE, or in Milvus, milvus://HOST/COLLECTION,
    with its graphs and verdicts; or from a Neo4j database that was filled by the published recipe:
    nodes with a path and embeddings. It is only read.

    Or from a folder of .parquet files, which `lookgraph index --on ray --parts` wrote.

    Pictures that the library has already keep their embeddings. Files that are not in FOLDER
    leave again when it is indexed.
    """
    from lookgraph.interfaces.cli.copying import copy_to
    from lookgraph.places import Engine, as_address, engine_of, refuse_foreign

    if address := as_address(source):
        opened, there = open_library(library, folder), open_library(address)
        is_other = there.store.exists() and there.store.place != opened.store.place
        if engine_of(address) is Engine.MILVUS or (is_other and not (model or unchecked)):
            if model or unchecked:
                raise click.UsageError("--model and --unchecked are for the recipe's databases.")
            refuse_foreign(opened.store)
            copy_to(there.store, opened.store, as_json=False, exactly=False)
            return
        context.exit(import_from(address, folder, library, model, unchecked=unchecked))
    if model or unchecked:
        raise click.UsageError("--model and --unchecked are for databases.")
    from lookgraph import exchange

    file = _file(source, exists=True, folder=True)
    opened = open_library(library, folder)
    count = exchange.read(opened.store, opened.takes, file, opened.root)
    what = "" if file.is_dir() else " with embeddings"  # parts also tell of what was left out
    say(f"Read {counted(count, 'file')}{what} from {file}.")


def _file(text: str, *, exists: bool = False, folder: bool = False) -> Path:
    """A file, as click checks it; or a folder, where that will do."""
    kind = click.Path(path_type=Path, dir_okay=folder, exists=exists)
    return Path(kind.convert(text, None, click.get_current_context()))
