"""Where the small copies of pictures are kept."""

from pathlib import Path

from lookgraph.stores.signatures import SIGNATURES, Signatures

ID, OTHER = "a" * 64, "0b" * 32


def test_the_folder_is_made_for_the_first_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "deep"
    kept = Signatures(folder)
    assert kept.read([ID]) == {}
    assert not folder.exists()
    kept.write({ID: b"one", OTHER: b"other"})
    assert Signatures(folder).read([ID, "c" * 64, OTHER]) == {ID: b"one", OTHER: b"other"}
    kept.write({ID: b"new"})
    assert kept.read([ID]) == {ID: b"new"}


def test_where_nothing_can_be_kept_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    kept = Signatures(tmp_path / "cache" / "deep")
    kept.write({ID: b"one"})
    assert kept.read([ID]) == {}


def test_what_is_damaged_is_made_again(tmp_path: Path) -> None:
    kept = Signatures(tmp_path)
    (tmp_path / SIGNATURES).write_bytes(b"This is no database. " * 500)
    assert kept.read([ID]) == {}
    kept.write({ID: b"one"})
    assert kept.read([ID]) == {ID: b"one"}
