"""``lookgraph doctor``: it finds what is wrong, and mends it."""

import re
from pathlib import Path

import pytest

from lookgraph.doctor import gpu_words
from lookgraph.models.runtimes.base import Candidate
from lookgraph.models.runtimes.gpus import Gpu
from lookgraph.models.runtimes.trial import Chosen
from tests.e2e.commands import held, lookgraph, rows_file

ROW = 2560


def scores(shelf: Path) -> list[tuple[str, float]]:
    query = sorted(shelf.rglob("*.jpg"))[0]
    found = lookgraph("search", query, "-k24", "--json", "--library", shelf).json["hits"]
    return [(hit["path"], hit["score"]) for hit in found]


def assert_alike(found: list[tuple[str, float]], before: list[tuple[str, float]]) -> None:
    """The same, but for a rounding: another runtime adds up in another order."""
    assert [path for path, _ in found] == [path for path, _ in before]
    assert [score for _, score in found] == pytest.approx([its for _, its in before], abs=1e-4)


def judged(shelf: Path, code: int) -> dict[str, bool]:
    told = lookgraph("doctor", shelf, "--json", code=code).json
    assert [set(check) for check in told] == [{"name", "ok", "found", "advice"}] * len(told)
    assert [check["name"] for check in told] == [
        "versions", "processor", "runtime", "gpu", "extras", "network", "library", "database",
        "embeddings",
    ]  # fmt: skip
    return {check["name"]: check["ok"] for check in told if check["ok"] is not None}


WELL = {"network": True, "database": True, "embeddings": True}


def test_all_is_well(shelf: Path) -> None:
    done = lookgraph("doctor", shelf)
    assert done.err == ""
    signs = [(line[:4], line[4:18].strip()) for line in done.out.decode().splitlines()]
    assert signs == [
        ("    ", "versions"), ("    ", "processor"), ("    ", "runtime"), ("    ", "gpu"),
        ("    ", "extras"), ("ok  ", "network"),
        ("    ", "library"), ("ok  ", "database"), ("ok  ", "embeddings"),
    ]  # fmt: skip
    assert b"24 pictures in " + bytes(shelf) in done.out
    assert re.search(
        rb"    runtime +(onnxruntime|openvino).*: ([\d,]+ a second|it st|nothing else)", done.out
    )
    assert judged(shelf, code=0) == WELL


def test_without_a_library(tmp_path: Path) -> None:
    done = lookgraph("doctor", tmp_path)
    assert f"    library       none in {tmp_path}\n" in done.out.decode()
    done = lookgraph("doctor", tmp_path, "--repair", code=1)
    assert done.err == (
        f"lookgraph: There is no library in {tmp_path}. Make one: lookgraph index FOLDER\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_damaged_rows_are_found_and_mended(own_shelf: Path) -> None:
    before, file = scores(own_shelf), rows_file(own_shelf)
    with file.open("r+b") as rows:
        for row in (3, 17):
            rows.seek(row * ROW + 100)
            byte = rows.read(1)[0]
            rows.seek(-1, 1)
            rows.write(bytes([byte ^ 0x80]))
    assert judged(own_shelf, code=1) == {**WELL, "embeddings": False}
    done = lookgraph("doctor", own_shelf, code=1)
    assert (
        "BAD embeddings    efficientnet-lite0-57934424-p1-cosine: "
        "2 of 24 embeddings are damaged\n                  Run `lookgraph doctor --repair`.\n"
    ) in done.out.decode()

    done = lookgraph("doctor", own_shelf, "--repair")
    assert done.err == "2 damaged embeddings were dropped, 2 pictures embedded again.\n"
    assert judged(own_shelf, code=0) == WELL
    assert_alike(scores(own_shelf), before)
    assert rows_file(own_shelf) != file
    assert rows_file(own_shelf).stat().st_size == 24 * ROW


def test_rows_that_are_lost_are_mended(own_shelf: Path, shelf: Path) -> None:
    before, file = scores(own_shelf), rows_file(own_shelf)
    with file.open("r+b") as rows:
        rows.truncate(20 * ROW + 7)
    said = f"{file} has {20 * ROW + 7} of {24 * ROW} bytes. Run `lookgraph doctor --repair`.\n"
    query = sorted(own_shelf.rglob("*.jpg"))[0]
    assert lookgraph("search", query, cwd=own_shelf, code=1).err == f"lookgraph: {said}"
    assert judged(own_shelf, code=1) == {**WELL, "embeddings": False}
    done = lookgraph("doctor", own_shelf, "--repair")
    assert done.err == "4 damaged embeddings were dropped, 4 pictures embedded again.\n"
    assert_alike(scores(own_shelf), before)

    rows_file(own_shelf).unlink()
    assert judged(own_shelf, code=1) == {**WELL, "embeddings": False}
    done = lookgraph("doctor", own_shelf, "--repair")
    assert done.err == "24 damaged embeddings were dropped, 24 pictures embedded again.\n"
    assert held(own_shelf) == held(shelf)


def test_what_is_damaged_is_not_written_on(own_shelf: Path) -> None:
    with rows_file(own_shelf).open("r+b") as rows:
        rows.truncate(20 * ROW)
    query = sorted(own_shelf.rglob("*.jpg"))[0]
    (own_shelf / "new.jpg").write_bytes(query.read_bytes() + b"\0")
    done = lookgraph("index", own_shelf, code=1)
    assert done.err == (
        f"lookgraph: {rows_file(own_shelf)} has lost rows. Run `lookgraph doctor --repair`.\n"
    )
    assert rows_file(own_shelf).stat().st_size == 20 * ROW
    done = lookgraph("doctor", own_shelf, "--repair")
    assert done.err == "4 damaged embeddings were dropped, 5 pictures embedded again.\n"


def test_repairing_what_is_whole_drops_only_what_is_unused(own_shelf: Path) -> None:
    sorted(own_shelf.rglob("*.jpg"))[5].unlink()
    lookgraph("index", own_shelf)
    before = held(own_shelf)
    assert rows_file(own_shelf).stat().st_size == 24 * ROW
    done = lookgraph("doctor", own_shelf, "--repair")
    assert done.err == "0 damaged embeddings were dropped, 0 pictures embedded again.\n"
    assert rows_file(own_shelf).stat().st_size == 23 * ROW
    assert held(own_shelf) == before


def test_a_damaged_page_of_the_database_is_said(own_shelf: Path) -> None:
    file = own_shelf / ".lookgraph" / "library.db"
    lookgraph("doctor", own_shelf)
    with file.open("r+b") as database:
        database.seek(4096)
        database.write(b"\xa5" * (file.stat().st_size - 4096))
    done = lookgraph("doctor", own_shelf, code=1)
    assert "BAD " in done.out.decode()
    assert "damaged (database disk image is malformed)" in done.out.decode()


ONNX, ONNX_GPU = Candidate("onnxruntime", "cpu"), Candidate("onnxruntime", "gpu")


@pytest.mark.parametrize(
    ("gpus", "chosen", "said"),
    [
        ([], Chosen(ONNX, ""), "none seen"),
        (["NVIDIA"], Chosen(ONNX_GPU, "", ((ONNX_GPU, 900.0),)), "NVIDIA: used, by onnxruntime"),
        (["NVIDIA"], Chosen(ONNX, ""),
         "a GPU is there and unused (NVIDIA): for NVIDIA, onnxruntime-gpu instead of onnxruntime "
         "would use it"),
        (["AMD", "Intel"], Chosen(ONNX, "", ((ONNX, 9.0),)),
         "a GPU is there and unused (AMD and Intel): for AMD, on Windows, onnxruntime-directml "
         "instead of onnxruntime would use it; on Linux, no runtime that Lookgraph knows does; for "
         "Intel, the extra lookgraph[openvino] with Intel's compute driver would use it"),
        (["NVIDIA"], Chosen(ONNX, "", ((ONNX, 9.0), (ONNX_GPU, 0.0))),
         "a GPU is there and unused (NVIDIA): onnxruntime finds none that works; look at its "
         "driver"),
        (["Apple"], Chosen(ONNX, "", ((ONNX, 9.0), (ONNX_GPU, 8.0))),
         "a GPU is there and unused (Apple): the processor is faster, see runtime"),
    ],
)  # fmt: skip
def test_what_is_said_of_gpus(gpus: list[str], chosen: Chosen, said: str) -> None:
    assert gpu_words([Gpu(maker) for maker in gpus], chosen) == said
