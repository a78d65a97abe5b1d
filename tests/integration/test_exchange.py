"""Exported files against the libraries they come from; files from elsewhere against their harm."""

import io
import json
import random
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookgraph import exchange, indexing
from lookgraph.errors import (
    ExchangeError,
    LibraryDamagedError,
    LibraryNotFoundError,
    MissingExtraError,
    StorageError,
)
from lookgraph.exchange.rows import space_as_json
from lookgraph.stores.base import Embedded
from lookgraph.stores.local import LocalStore
from lookgraph.types import Array, Embeds, Entry, Patterns, Picture, Stamp
from tests.conftest import needs_module
from tests.contract.store_contract import nearest
from tests.pictures import GRID_SPACE, GridNetwork, drawn, exif, save

BYTES = "f\udcff/\udc80 \udcfe.png"
KINDS = ["npz", "parquet"]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "parquet":
        needs_module("pyarrow.parquet")
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures with difficult names, copies, a date, and what is no picture."""
    folder = tmp_path / "photos"
    save(drawn(0), folder / "a.png")
    save(drawn(1), folder / BYTES)
    save(drawn(2), folder / "😀" / "ä b'\"\n.png")
    save(drawn(3), folder / "dated.jpg", "JPEG", exif=exif(6, "2021:05:04 13:14:15"))
    shutil.copy(folder / "a.png", folder / "copy.png")
    shutil.copy(folder / BYTES, folder / "other copy.png")
    (folder / "bad.jpg").write_bytes(b"no picture")
    return folder


def run_index(folder: Path, store: LocalStore, network: Callable[[], Embeds]) -> Any:
    job = indexing.Job(folder, Patterns(), "", GRID_SPACE, None, store.folder)
    return indexing.run(store, job, lambda _: network(), lambda _: None)


@pytest.fixture
def store(folder: Path) -> LocalStore:
    store = LocalStore(folder / ".lookgraph")
    run_index(folder, store, GridNetwork)
    return store


@pytest.fixture
def exported(store: LocalStore, tmp_path: Path, kind: str) -> Path:
    file = tmp_path / f"out.{kind}"
    assert exchange.write(store, GRID_SPACE, file) == 6
    return file


def contents(store: LocalStore) -> list[tuple[Picture, tuple[Entry, ...], list[float]]]:
    def plain(embedded: Embedded) -> tuple[Picture, tuple[Entry, ...], list[float]]:
        return embedded.picture, embedded.entries, embedded.embedding.tolist()

    return [plain(embedded) for embedded in store.embedded(GRID_SPACE)]


def read(store: LocalStore, file: Path, root: Path) -> int:
    return exchange.read(store, lambda space: space == GRID_SPACE, file, root)


def test_a_library_comes_back_as_it_was(store: LocalStore, exported: Path, tmp_path: Path) -> None:
    again = LocalStore(tmp_path / "again")
    assert read(again, exported, tmp_path / "photos") == 6
    assert contents(again) == contents(store)
    assert len(contents(again)) == 4
    assert again.root == tmp_path / "photos"
    assert again.spaces() == (GRID_SPACE,)
    assert again.entry(BYTES) == store.entry(BYTES)
    dated = again.entry("dated.jpg")
    assert dated
    assert dated.picture
    assert dated.picture.taken == "2021-05-04T13:14:15"
    query = GridNetwork().embed([GridNetwork().prepare(drawn(2))])[0]
    assert nearest(again, GRID_SPACE, query, 9) == nearest(store, GRID_SPACE, query, 9)
    assert again.damaged(GRID_SPACE) == []


def test_nothing_is_embedded_again_after_an_import(
    exported: Path, folder: Path, tmp_path: Path
) -> None:
    again = LocalStore(tmp_path / "again")
    read(again, exported, folder)

    class Unwanted(GridNetwork):
        def embed(self, pixels: Any) -> Any:
            raise AssertionError("it was embedded again")

    report = run_index(folder, again, Unwanted)
    assert (report.unchanged, report.embedded, report.recognised, report.skipped) == (6, 0, 0, 1)


def test_an_import_adds_to_what_is_there(
    store: LocalStore, exported: Path, tmp_path: Path, kind: str
) -> None:
    other = tmp_path / "other"
    save(drawn(50), other / "own.png")
    shutil.copy(tmp_path / "photos" / "a.png", other / "a too.png")
    there = LocalStore(other / ".lookgraph")
    run_index(other, there, GridNetwork)
    with there.write() as writer:
        writer.remember(other, Patterns((), ("excluded",)))
    own = contents(there)
    assert read(there, exported, other) == 6
    assert read(there, exported, other) == 6
    paths = {path: picture.id for picture, entries, _ in contents(there) for path in
             (entry.path for entry in entries)}  # fmt: skip
    assert len(paths) == 8
    assert paths["a.png"] == paths["a too.png"] == paths["copy.png"]
    assert {picture.id for picture, _, _ in own} < {picture.id for picture, _, _ in contents(there)}
    assert there.patterns == Patterns((), ("excluded",))
    assert there.root == other


def test_patterns_stay_even_where_nothing_is_embedded_yet(exported: Path, tmp_path: Path) -> None:
    there = LocalStore(tmp_path / "again")
    with there.write() as writer:
        writer.remember(tmp_path, Patterns((), ("excluded",)))
    read(there, exported, tmp_path)
    assert there.patterns == Patterns((), ("excluded",))


def test_an_empty_library_makes_an_empty_file(tmp_path: Path, kind: str) -> None:
    empty, again = LocalStore(tmp_path / "empty"), LocalStore(tmp_path / "again")
    with empty.write():
        pass
    file = tmp_path / f"out.{kind}"
    assert exchange.write(empty, GRID_SPACE, file) == 0
    assert read(again, file, tmp_path) == 0
    assert contents(again) == []


def rows_wanted(store: LocalStore) -> list[tuple[dict[str, Any], list[float]]]:
    """What a file must hold, from the library itself."""
    return [
        (
            {
                "path": entry.path.encode(errors="surrogateescape"),
                "id": picture.id,
                "size": entry.stamp.size,
                "mtime_ns": entry.stamp.mtime_ns,
                "format": picture.format,
                "width": picture.width,
                "height": picture.height,
                "taken": picture.taken or "",
            },
            embedding,
        )
        for picture, entries, embedding in contents(store)
        for entry in entries
    ]


def test_numpy_reads_an_exported_file(store: LocalStore, tmp_path: Path) -> None:
    file = tmp_path / "out.npz"
    exchange.write(store, GRID_SPACE, file)
    with np.load(file, allow_pickle=False) as archive:
        columns = {name: archive[name] for name in archive.files}
    space = json.loads(str(columns.pop("space")))
    assert (space["model"], space["dimension"], space["metric"]) == ("grid", 48, "cosine")
    embedding = columns.pop("embedding")
    assert embedding.dtype == np.float16
    wanted = rows_wanted(store)
    assert embedding.astype(np.float32).tolist() == [numbers for _, numbers in wanted]
    assert list(columns) == ["path", "id", "size", "mtime_ns", "format", "width", "height", "taken"]
    for name, column in columns.items():
        values = [row[name] for row, _ in wanted]
        if isinstance(values[0], str):
            values = [value.encode() for value in values]
        assert column.tolist() == values


def test_pyarrow_reads_an_exported_file(store: LocalStore, tmp_path: Path) -> None:
    parquet = needs_module("pyarrow.parquet")
    file = tmp_path / "out.parquet"
    exchange.write(store, GRID_SPACE, file)
    table = parquet.read_table(file)
    rows = table.to_pylist()
    left_out = {"skip": None, "reason": None}
    assert rows == [
        {**row, **left_out, "embedding": numbers} for row, numbers in rows_wanted(store)
    ]
    assert json.loads(table.schema.metadata[b"lookgraph"])["fingerprint"] == GRID_SPACE.fingerprint


@pytest.mark.slow
def test_more_files_than_are_read_at_a_time(tmp_path: Path, kind: str) -> None:
    many = LocalStore(tmp_path / "many")
    numbers = np.random.default_rng(0).standard_normal((4500, 48)).astype(np.float32)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    entries = [
        Entry(f"{i:05}.png", Stamp(i, i), Picture(f"{i:064x}", "PNG", i + 1, 1))
        for i in range(len(numbers))
    ]
    embeddings = {e.picture.id: row for e, row in zip(entries, numbers, strict=True) if e.picture}
    with many.write() as writer:
        writer.commit(GRID_SPACE, entries, embeddings)
    assert exchange.write(many, GRID_SPACE, tmp_path / f"out.{kind}") == 4500
    again = LocalStore(tmp_path / "again")
    assert read(again, tmp_path / f"out.{kind}", tmp_path) == 4500
    assert contents(again) == contents(many)


def test_embeddings_of_another_length_are_brought_to_one(store: LocalStore, tmp_path: Path) -> None:
    arrow, parquet = needs_module("pyarrow"), needs_module("pyarrow.parquet")
    file = tmp_path / "out.parquet"
    exchange.write(store, GRID_SPACE, file)
    table = parquet.read_table(file)
    at = table.schema.get_field_index("embedding")
    numbers = np.array(table.column(at).to_pylist())
    for i, length in enumerate((3, 1e-3, 1e38, 1e-38)):
        scaled = arrow.array((numbers * length).tolist(), table.schema.field(at).type)
        parquet.write_table(table.set_column(at, table.schema.field(at), scaled), file)
        again = LocalStore(tmp_path / f"again{i}")
        read(again, file, tmp_path)
        for (_, _, wanted), (_, _, found) in zip(contents(store), contents(again), strict=True):
            assert found == pytest.approx(wanted, abs=1e-3)
            assert np.linalg.norm(found) == pytest.approx(1, abs=5e-4)


# Files that are not what they should be


def leftovers(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if ".part" in file.name]


def test_nothing_is_left_aside(exported: Path) -> None:
    assert leftovers(exported.parent) == []


def test_an_export_that_fails_leaves_the_file_before_it(store: LocalStore, exported: Path) -> None:
    before = exported.read_bytes()
    (rows,) = (store.folder / "rows").iterdir()
    rows.write_bytes(b"")
    with pytest.raises(LibraryDamagedError):
        exchange.write(store, GRID_SPACE, exported)
    assert exported.read_bytes() == before
    assert leftovers(exported.parent) == []


def test_an_export_to_where_nothing_can_be_written_says_so(
    store: LocalStore, tmp_path: Path, kind: str
) -> None:
    with pytest.raises(StorageError, match="No such file or directory"):
        exchange.write(store, GRID_SPACE, tmp_path / "missing" / f"out.{kind}")
    (tmp_path / f"folder.{kind}").mkdir()
    with pytest.raises(StorageError, match="Is a directory"):
        exchange.write(store, GRID_SPACE, tmp_path / f"folder.{kind}")
    assert leftovers(tmp_path) == []


def test_without_a_library_there_is_nothing_to_export(tmp_path: Path, kind: str) -> None:
    with pytest.raises(LibraryNotFoundError):
        exchange.write(LocalStore(tmp_path / "none"), GRID_SPACE, tmp_path / f"out.{kind}")
    assert leftovers(tmp_path) == []


def test_parquet_without_the_extra_says_how_to_get_it(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    told = r"pip install 'lookgraph\[parquet\]'"
    with pytest.raises(MissingExtraError, match=told):
        exchange.write(store, GRID_SPACE, tmp_path / "out.parquet")
    with pytest.raises(MissingExtraError, match=told):
        read(store, tmp_path / "out.parquet", tmp_path)


class Unharmed:
    """A library that must stay as it is."""

    def __init__(self, store: LocalStore, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.before = contents(store)

    def refuses(self, file: Path, told: str | None = None) -> None:
        with pytest.raises(ExchangeError, match=told):
            read(self.store, file, self.folder)
        assert contents(self.store) == self.before
        assert self.store.fault() is None
        assert self.store.damaged(GRID_SPACE) == []
        assert self.store.root == self.folder


@pytest.fixture
def unharmed(tmp_path: Path) -> Unharmed:
    folder = tmp_path / "unharmed"
    save(drawn(70), folder / "own.png")
    store = LocalStore(folder / ".lookgraph")
    run_index(folder, store, GridNetwork)
    return Unharmed(store, folder)


@pytest.mark.parametrize("name", ["out.csv", "out", "out.npz.zip", "parquet"])
def test_a_name_that_we_do_not_write_is_refused(
    unharmed: Unharmed, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"")
    unharmed.refuses(tmp_path / name, r"must end in \.npz or \.parquet")
    with pytest.raises(ExchangeError, match=r"must end in \.npz or \.parquet"):
        exchange.write(unharmed.store, GRID_SPACE, tmp_path / name)


def test_what_is_no_such_file_is_refused(unharmed: Unharmed, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"wrong.{kind}"
    unharmed.refuses(file, "No such file or directory")
    for content in (b"", b"text", b"PK\x05\x06" + bytes(18), b"PAR1" * 5, b"PAR1" + b"\xff" * 50):
        file.write_bytes(content)
        unharmed.refuses(file)
    file.unlink()
    file.mkdir()
    unharmed.refuses(file)


def test_a_file_that_is_cut_off_is_refused(unharmed: Unharmed, exported: Path) -> None:
    content = exported.read_bytes()
    for length in range(1, len(content), max(1, len(content) // 30)):
        exported.write_bytes(content[:length])
        unharmed.refuses(exported)


def test_embeddings_of_another_space_are_refused(
    unharmed: Unharmed, store: LocalStore, tmp_path: Path, kind: str
) -> None:
    for other in (
        replace(GRID_SPACE, fingerprint="6" * 64),
        replace(GRID_SPACE, model="lattice"),
        replace(GRID_SPACE, preprocessing=2),
        replace(GRID_SPACE, dimension=47),
    ):
        empty = LocalStore(tmp_path / "empty")
        with empty.write():
            pass
        file = tmp_path / f"other.{kind}"
        exchange.write(empty, other, file)
        unharmed.refuses(file, f"{other.name}, which neither")


@pytest.mark.filterwarnings("ignore")
def test_random_damage_is_refused_or_harmless(
    unharmed: Unharmed, exported: Path, tmp_path: Path
) -> None:
    content = exported.read_bytes()
    chance = random.Random(exported.suffix)
    refused = 0
    for i in range(150):
        wrong = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            # The headers and the directory, at the file's ends, are where it hurts.
            at = chance.choice((chance.randrange(400), -1 - chance.randrange(900)))
            wrong[at % len(wrong)] = chance.randrange(256)
        exported.write_bytes(wrong)
        target = LocalStore(tmp_path / f"target{i}")
        try:
            read(target, exported, tmp_path)
        except ExchangeError:
            refused += 1
            assert not target.exists() or contents(target) == []
        else:
            assert target.fault() is None
            assert target.damaged(GRID_SPACE) == []
            list(target.known_files(GRID_SPACE))
    assert refused > 50


Change = Callable[[Array], Any]


def repack(
    file: Path, changes: dict[str, Change | bytes | None], compress: int = zipfile.ZIP_STORED
) -> None:
    """Write an NPZ file again: a column changed, or given as a member's bytes, or left out."""
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    for name, change in changes.items():
        if change is None:
            del members[f"{name}.npy"]
        elif isinstance(change, bytes):
            members[f"{name}.npy"] = change
        else:
            column = np.load(io.BytesIO(members[f"{name}.npy"]), allow_pickle=False)
            members[f"{name}.npy"] = as_member(np.asanyarray(change(column)))
    with zipfile.ZipFile(file, "w", compress) as archive:
        for filename, content in members.items():
            archive.writestr(filename, content)


def as_member(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def announced(shape: str, descr: str = "'<f2'", body: bytes = bytes(96)) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


def put(value: Any) -> Change:
    """The first value of a column replaced."""

    def change(column: Array) -> Any:
        kept = column.tolist()
        return np.array([value, *kept[1:]], None if isinstance(value, bytes) else column.dtype)

    return change


class Harmful:
    """Unpickling this would be noticed."""

    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('unpickled')",))


def spoilt_row(value: float) -> Change:
    def change(column: Array) -> Array:
        column = column.copy()
        column[2] = value
        return column

    return change


def one_number(value: float) -> Change:
    def change(column: Array) -> Array:
        column = column.copy()
        column[2, 7] = value
        return column

    return change


NPZ_ATTACKS: dict[str, dict[str, Change | bytes | None]] = {
    "pickled column": {"path": as_member(np.array([Harmful()] * 6, object))},
    "pickled embedding": {"embedding": as_member(np.array([Harmful()] * 6, object))},
    "pickled space": {"space": as_member(np.array(Harmful(), object))},
    "no space": {"space": None},
    "no path": {"path": None},
    "no embedding": {"embedding": None},
    "path one short": {"path": lambda column: column[1:]},
    "all columns one short": {
        name: lambda column: column[1:]
        for name in ("path", "id", "size", "mtime_ns", "format", "width", "height", "taken")
    },
    "embedding one short": {"embedding": lambda column: column[1:]},
    "embedding one wide": {"embedding": lambda column: column[:, 1:]},
    "embedding float64": {"embedding": lambda column: column.astype(np.float64)},
    "embedding in Fortran order": {"embedding": np.asfortranarray},
    "size as text": {"size": lambda column: column.astype(np.bytes_)},
    "size as floats": {"size": lambda column: column.astype(np.float64)},
    "width unsigned": {"width": lambda column: column.astype(np.uint64) + np.uint64(2**63)},
    "path as text": {"path": lambda column: column.astype(np.bytes_).view(np.uint8)},
    "path two-dimensional": {"path": lambda column: column.reshape(2, 3)},
    "huge shape": {"embedding": announced("(6, 48000000000)")},
    "negative shape": {"embedding": announced("(-6, -48)")},
    "overflowing shape": {"embedding": announced("(4611686018427387905, 4)")},
    "shape of text": {"embedding": announced("'ab'")},
    "nothing in a number": {"size": announced("(6,)", "'<V0'", b"")},
    "fields": {"size": announced("(6,)", "[('a', '<i8')]", bytes(48))},
    "deep header": {"size": announced("-" * 9000 + "1")},
    "deeper header": {"size": announced("(" * 5000)},
    "code in the header": {"size": announced("__import__('os').getpid()")},
    "no header": {"size": b"\x93NUMPY\x01\x00\xff\xff{"},
    "another version": {"size": b"\x93NUMPY\x09\x00" + bytes(60)},
    "path above": {"path": put(b"../secret.png")},
    "path above inside": {"path": put(b"a/../../secret.png")},
    "absolute path": {"path": put(b"/etc/passwd")},
    "no path at all": {"path": put(b"")},
    "path of a dot": {"path": put(b".")},
    "path with a null byte": {"path": put(b"a\0b.png")},
    "id too short": {"id": put(b"abc")},
    "id in capitals": {"id": np.char.upper},
    "id of other letters": {"id": put(b"g" * 64)},
    "id with a line": {"id": put(b"a" * 64 + b"\n")},
    "format not to be written": {"format": put(b"\xff")},
    "format with markup": {"format": put(b"<script>")},
    "no format": {"format": put(b"")},
    "taken not to be written": {"taken": put(b"\xff\xfe")},
    "taken no date": {"taken": put(b"yesterday")},
    "negative width": {"width": put(-5)},
    "no height": {"height": put(0)},
    "negative size": {"size": put(-1)},
    "a row of nan": {"embedding": spoilt_row(np.nan)},
    "a nan": {"embedding": one_number(np.nan)},
    "an infinity": {"embedding": one_number(np.inf)},
    "a row of zeros": {"embedding": spoilt_row(0)},
    "space no JSON": {"space": lambda _: np.array("{")},
    "space deep": {"space": lambda _: np.array("[" * 50_000)},
    "space a list": {"space": lambda _: np.array("[1]")},
    "space empty": {"space": lambda _: np.array("{}")},
    "space of numbers": {"space": lambda _: np.array([1, 2])},
    "space of bytes": {"space": lambda column: np.array(str(column).encode())},
    "space twice": {"space": lambda column: np.array([str(column)] * 2)},
    "space without a version": {
        "space": lambda column: np.array(str(column).replace('"lookgraph": 1, ', ""))
    },
    "space newer": {
        "space": lambda column: np.array(str(column).replace('"lookgraph": 1', '"lookgraph": 2'))
    },
    "space with more": {
        "space": lambda column: np.array(str(column).replace("{", '{"more": 1, '))
    },
    "space of another metric": {
        "space": lambda column: np.array(str(column).replace("cosine", "taxi"))
    },
}  # fmt: skip


@pytest.mark.parametrize("attack", NPZ_ATTACKS)
def test_an_npz_file_that_is_not_ours_is_refused(
    unharmed: Unharmed, store: LocalStore, tmp_path: Path, attack: str
) -> None:
    file = tmp_path / "out.npz"
    exchange.write(store, GRID_SPACE, file)
    repack(file, NPZ_ATTACKS[attack])
    unharmed.refuses(file)
    # Where there was no library, none is left that holds any of it.
    fresh = LocalStore(tmp_path / "fresh")
    with pytest.raises(ExchangeError):
        read(fresh, file, tmp_path)
    assert not fresh.exists() or contents(fresh) == []


@pytest.mark.parametrize(
    "compress", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=str
)
def test_an_npz_file_that_would_be_unpacked_is_refused(
    unharmed: Unharmed, store: LocalStore, tmp_path: Path, compress: int
) -> None:
    file = tmp_path / "out.npz"
    exchange.write(store, GRID_SPACE, file)
    repack(file, {}, compress)
    unharmed.refuses(file, "is compressed")


def test_an_npz_file_that_is_encrypted_is_refused(
    unharmed: Unharmed, store: LocalStore, tmp_path: Path
) -> None:
    file = tmp_path / "out.npz"
    exchange.write(store, GRID_SPACE, file)
    content = bytearray(file.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := content.find(signature, at + 1)) >= 0:
            content[at + offset] |= 1
    file.write_bytes(content)
    unharmed.refuses(file)


def parquet_attacks() -> Iterator[tuple[str, Any]]:
    """Changes to a table, each with its name."""
    arrow = needs_module("pyarrow")

    def column(name: str, values: Callable[[list[Any]], list[Any]], type_: Any = None) -> Any:
        def change(table: Any) -> Any:
            at = table.schema.get_field_index(name)
            field = table.schema.field(at)
            new = arrow.array(values(table.column(at).to_pylist()), type_ or field.type)
            return table.set_column(at, arrow.field(name, new.type), new)

        return change

    def first(value: Any) -> Callable[[list[Any]], list[Any]]:
        return lambda values: [value, *values[1:]]

    def same(values: list[Any]) -> list[Any]:
        return values

    def told(text: bytes | None) -> Any:
        metadata = {} if text is None else {b"lookgraph": text}
        return lambda table: table.replace_schema_metadata(metadata)

    for name in ("path", "id", "size", "mtime_ns", "format", "width", "height"):
        yield f"{name} missing", lambda table, name=name: table.drop_columns([name])
        yield f"{name} null", column(name, first(None))
    yield "path twice", lambda table: table.append_column("path", table.column("path"))
    yield "embedding missing", lambda table: table.drop_columns(["embedding"])
    yield "embedding null", column("embedding", first(None))
    yield "embedding with a null", column("embedding", first([None] * 48))
    yield "embedding nan", column("embedding", first([float("nan")] * 48))
    yield "embedding zero", column("embedding", first([0.0] * 48))
    yield "embedding float64", column("embedding", same, arrow.list_(arrow.float64(), 48))
    yield (
        "embedding narrow",
        column(
            "embedding", lambda rows: [row[1:] for row in rows], arrow.list_(arrow.float32(), 47)
        ),
    )
    yield (
        "embedding of another size",
        column("embedding", lambda rows: [rows[0][1:], *rows[1:]], arrow.list_(arrow.float32())),
    )
    yield "size as text", column("size", lambda v: [str(n) for n in v], arrow.string())
    yield "path above", column("path", first(b"../x.png"))
    yield "absolute path", column("path", first(b"/x.png"))
    yield "no path", column("path", first(b""))
    yield "id wrong", column("id", first("x"))
    yield "format wrong", column("format", first("a\x1b[31m"))
    yield "taken wrong", column("taken", first("2021"))
    yield "width wrong", column("width", first(-1))
    yield "size wrong", column("size", first(-(2**63)))
    yield "no space", told(None)
    yield "space no JSON", told(b"\xff\xfe")
    yield "space deep", told(b"[" * 100_000)
    valid = json.loads(space_as_json(GRID_SPACE))
    for key, value in (
        ("dimension", "x"), ("dimension", -5), ("dimension", 2**70), ("dimension", None),
        ("dimension", 4.5), ("dimension", [1]), ("model", None), ("model", ["a"]),
        ("fingerprint", 5), ("metric", {}), ("preprocessing", "1"), ("lookgraph", "1"),
        ("lookgraph", None), ("model", "../x"),
    ):  # fmt: skip
        yield f"space {key} {value}", told(json.dumps({**valid, key: value}).encode())


def test_a_parquet_file_that_is_not_ours_is_refused(
    unharmed: Unharmed, store: LocalStore, tmp_path: Path
) -> None:
    parquet = needs_module("pyarrow.parquet")
    whole = tmp_path / "out.parquet"
    exchange.write(store, GRID_SPACE, whole)
    table = parquet.read_table(whole)
    file = tmp_path / "attack.parquet"
    for name, change in parquet_attacks():
        parquet.write_table(change(table), file)
        try:
            unharmed.refuses(file)
        except BaseException as error:
            raise AssertionError(name) from error


def test_a_parquet_file_with_columns_of_its_own_is_read(store: LocalStore, tmp_path: Path) -> None:
    arrow, parquet = needs_module("pyarrow"), needs_module("pyarrow.parquet")
    file = tmp_path / "out.parquet"
    exchange.write(store, GRID_SPACE, file)
    table = parquet.read_table(file)
    names = [*reversed(table.schema.names), "label"]
    table = table.append_column("label", arrow.array(["cat"] * 6)).select(names)
    parquet.write_table(table, file)
    again = LocalStore(tmp_path / "again")
    assert read(again, file, tmp_path) == 6
    assert contents(again) == contents(store)
