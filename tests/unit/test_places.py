"""Where libraries are: which words name a folder, and which a server."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lookgraph.errors import UsageError
from lookgraph.interfaces.cli.console import LibraryPlace, library_option
from lookgraph.library import Library
from lookgraph.places import as_address, refuse_foreign, store_for
from lookgraph.stores.local import LocalStore
from tests.unit.test_arrows import imports, name_of, sources

ADDRESSES = [
    "neo4j://lena@example.org/pictures",
    "neo4j+s://lena@example.org:7687/pictures",
    "neo4j+ssc://example.org",
    "bolt://[::1]:7687",
    "bolt+s://lena@10.0.0.1:7687/pictures",
    "bolt+ssc://localhost",
    "NEO4J://localhost",
]

FOLDERS = ["neo4j", "neo4j:", "neo4j:/a/b", "/neo4j://a@b", "./bolt://x", "neo4j+x://a", "http://a"]


@click.command()
@library_option
def told(library: LibraryPlace | None) -> None:
    click.echo(f"{type(library).__name__} {library}")


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_stays_as_it_was_given(address: str) -> None:
    assert as_address(address) == address
    assert CliRunner().invoke(told, ["--library", address]).output == f"str {address}\n"


@pytest.mark.parametrize("folder", FOLDERS)
def test_all_else_is_a_folder(folder: str) -> None:
    assert as_address(folder) is None
    assert as_address(Path(folder)) is None
    path = Path(folder)
    kind = type(path).__name__
    assert CliRunner().invoke(told, ["--library", folder]).output == f"{kind} {path}\n"


@pytest.mark.parametrize(
    "address",
    [
        "neo4j://lena:hunter2@example.org/pictures",
        "bolt+s://:hunter2@localhost",
        "neo4j://lena:hunter2/@hunter2@example.org",
        "neo4j+ssc://lena:/hunter2@localhost:7687/pictures",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(address: str, tmp_path: Path) -> None:
    for refuse in (
        lambda: as_address(address),
        lambda: Library.open(tmp_path, at=address),
        lambda: CliRunner().invoke(told, ["--library", address], catch_exceptions=False),
    ):
        with pytest.raises(UsageError, match="has a password in it") as refused:
            refuse()
        assert "hunter2" not in str(refused.value)


def test_a_folder_is_where_a_local_library_is_or_would_be(tmp_path: Path) -> None:
    photos, own = tmp_path / "photos", tmp_path / "own"
    (photos / "deep").mkdir(parents=True)

    def place(pictures: Path, at: "str | Path | None") -> str:
        return store_for(pictures, at, None).place

    assert place(photos, None) == str(photos / ".lookgraph")
    assert place(photos, photos) == str(photos / ".lookgraph")
    assert place(photos, str(own)) == str(own)
    with LocalStore(photos / ".lookgraph").write():
        pass
    assert place(photos / "deep", None) == str(photos / ".lookgraph")
    assert place(tmp_path, photos) == str(photos / ".lookgraph")
    assert place(tmp_path, photos / ".lookgraph") == str(photos / ".lookgraph")


def test_a_library_is_not_made_among_other_files(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    refuse_foreign(store)
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(UsageError, match="holds other files, and no library"):
        refuse_foreign(store)
    (tmp_path / "holiday.jpg").unlink()
    with store.write():
        pass
    (tmp_path / "holiday.jpg").touch()
    refuse_foreign(store)  # it is there


def test_nothing_but_this_knows_which_store_there_is() -> None:
    """Everything above the stores goes by what all of them can do."""
    users = {
        name_of(file)
        for file, tree in sources()
        for module in imports(tree)
        if module in {"lookgraph.stores.local", "lookgraph.stores.views"}
        if not name_of(file).startswith("lookgraph.stores.")
    }
    assert users == {"lookgraph.places"}
