"""``lookgraph demo``."""

from pathlib import Path

import click

from lookgraph.interfaces.cli.console import LibraryPlace, library_option, say, shown_path

_FOLDER = "lookgraph-demo"
_PAGE = "lookgraph-demo.html"


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@library_option
@click.pass_context
def demo(context: click.Context, folder: Path | None, library: LibraryPlace | None) -> int:
    """Show what Lookgraph does, on pictures that it draws, or on those in FOLDER.

    It indexes them, searches for the look-alikes of one, and writes them to a page.
    """
    from lookgraph.interfaces.cli.index import index
    from lookgraph.interfaces.cli.search import search, write_page
    from lookgraph.library import Library

    place = folder or drawn_catalogue()
    code: int = context.invoke(index, folder=place, library=library)
    opened = Library.open(place, at=library)
    example = opened.example()
    if example is None:
        say(f"There are no pictures in {place} to search in.")
        return 1
    picture = shown_path(str(example))
    say(f"\nThe look-alikes of {picture}:")
    context.invoke(search, pictures=(picture,), library=library or opened.store.folder)
    write_page(opened.search(picture, k=20), Path(_PAGE))
    say(f"\nLook at them here: {Path(_PAGE).absolute().as_uri()}")
    return code


def drawn_catalogue() -> Path:
    """The folder of the catalogue, drawn."""
    from lookgraph.catalogue import draw_catalogue

    place = Path(_FOLDER)
    say(f"Drawing a catalogue of products into {place} …")
    draw_catalogue(place)
    return place
