"""Disks that are full or cannot be written to: real ones, small and in memory.

Each test has a mount namespace of its own (unshare(1)), so that nothing stays mounted: as root,
or as root of a user namespace, where the system lets users have one.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import missing, needs_module
from tests.e2e.commands import Argument, Done, held, lookgraph
from tests.pictures import drawn, save

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Mounts:
    """A namespace in which file systems can be mounted.

    Attributes:
        process: lives in it.
        at: an empty folder to mount on.
    """

    process: "subprocess.Popen[bytes]"
    at: Path

    @property
    def enter(self) -> list[str]:
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self.process.pid), "--mount", *user, "--"]

    def run(self, *arguments: Argument) -> None:
        done = subprocess.run([*self.enter, *arguments], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr

    def lookgraph(self, *arguments: Argument, code: int = 0) -> Done:
        return lookgraph(*arguments, code=code, prefix=self.enter)

    def seen(self, path: Path) -> Path:
        """A path in the namespace, from outside."""
        return Path(f"/proc/{self.process.pid}/root{path}")

    def held(self, pictures: Path, library: Path) -> dict[str, object]:
        """As `held`. SQLite would follow the link in `seen`, so it gets a copy."""
        copy = Path(shutil.copytree(self.seen(library), self.at.with_name("copy")))
        found = held(pictures, copy)
        shutil.rmtree(copy)
        return found

    def found(self, *arguments: Argument) -> list[tuple[str, float]]:
        """The paths and scores of a search."""
        told = self.lookgraph("search", *arguments, "--json").json
        return [(hit["path"], hit["score"]) for hit in told["hits"]]

    def mount(self, size: str) -> None:
        self.run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.at)

    def remount(self, options: str) -> None:
        self.run("mount", "-o", f"remount,{options}", self.at)

    def fill_up(self) -> Path:
        """Leave not one byte free."""
        filler = self.at / "filler"
        free = os.statvfs(self.seen(self.at))
        with self.seen(filler).open("wb") as out:
            out.write(bytes(free.f_bavail * free.f_frsize))
            out.flush()
            with pytest.raises(OSError, match="No space left"):
                os.write(out.fileno(), b"x")
        return filler


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[Mounts]:
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    (tmp_path / "disk").mkdir()
    try:
        process = subprocess.Popen(
            ["unshare", "--mount", *user, "sh", "-c", "mount -t tmpfs none /mnt && echo && cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    except FileNotFoundError:
        missing("unshare(1)")
    with process:
        assert process.stdout
        if not process.stdout.readline():
            missing("the right to mount file systems")
        yield Mounts(process, tmp_path / "disk")
        process.kill()


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty small pictures with a library."""
    folder = tmp_path_factory.mktemp("drawings")
    for seed in range(60):
        save(drawn(seed), folder / f"{seed:02}.png")
    lookgraph("index", folder)
    return folder


@pytest.fixture
def bare(drawings: Path, tmp_path: Path) -> Path:
    """The same pictures without the library."""
    ignored = shutil.ignore_patterns(".lookgraph")
    return Path(shutil.copytree(drawings, tmp_path / "bare", ignore=ignored))


MAKE_ROOM = "Make room on the disk, and run the command again.\n"


@pytest.mark.parametrize("size", [f"{kilobytes}k" for kilobytes in (8, 40, 72, 120, 160, 200)])
def test_a_disk_that_fills_up(size: str, mounts: Mounts, bare: Path, drawings: Path) -> None:
    mounts.mount(size)
    library = mounts.at / "library"
    done = mounts.lookgraph("index", bare, "--library", library, code=1)
    assert done.out == b""
    assert done.err.count("\n") == 1
    assert done.err.startswith(f"lookgraph: {library}")
    assert done.err.endswith(f"What was committed is safe. {MAKE_ROOM}")
    mounts.remount("size=20m")
    told = mounts.lookgraph("index", bare, "--library", library, "--json").json
    assert told["embedded"] + told["unchanged"] == 60
    assert mounts.held(bare, library) == held(drawings)
    mounts.lookgraph("doctor", bare, "--library", library)


def test_a_full_disk_can_still_be_searched(mounts: Mounts, bare: Path, drawings: Path) -> None:
    mounts.mount("10m")
    library = mounts.at / "library"
    mounts.lookgraph("index", bare, "--library", library)
    wanted = mounts.found(drawings / "03.png", "--library", drawings)

    def assert_read() -> None:
        assert mounts.found(bare / "03.png", "--library", library) == wanted
        told = mounts.lookgraph("status", "--library", library, "--json").json
        assert told["pictures"] == 60
        assert b"BAD" not in mounts.lookgraph("doctor", bare, "--library", library).out

    filler = mounts.fill_up()
    assert_read()
    # The files that SQLite makes beside a database are gone, and there is no room for them.
    mounts.run("rm", "-f", filler, library / "library.db-wal", library / "library.db-shm")
    filler = mounts.fill_up()
    assert_read()

    save(drawn(100), bare / "new.png")
    done = mounts.lookgraph("index", bare, "--library", library, code=1)
    assert (done.err.count("\n"), done.err[-len(MAKE_ROOM) :]) == (1, MAKE_ROOM)
    assert_read()
    mounts.run("rm", filler)
    told = mounts.lookgraph("index", bare, "--library", library, "--json").json
    assert (told["embedded"], told["unchanged"]) == (1, 60)


def test_a_compaction_that_finds_no_room_leaves_all_as_it_was(mounts: Mounts, bare: Path) -> None:
    mounts.mount("10m")
    library = mounts.at / "library"
    mounts.lookgraph("index", bare, "--library", library)
    for seed in range(20):
        (bare / f"{seed:02}.png").unlink()
    mounts.lookgraph("index", bare, "--library", library)
    before = mounts.held(bare, library)
    filler = mounts.fill_up()
    done = mounts.lookgraph("doctor", bare, "--library", library, "--repair", code=1)
    assert (done.err.count("\n"), done.err[-len(MAKE_ROOM) :]) == (1, MAKE_ROOM)
    assert mounts.held(bare, library) == before
    mounts.run("rm", filler)
    mounts.lookgraph("doctor", bare, "--library", library, "--repair")
    assert mounts.held(bare, library) == before
    (rows,) = mounts.seen(library / "rows").iterdir()
    assert rows.stat().st_size == 40 * 2560


def test_exports_and_pages_on_a_full_disk(mounts: Mounts, drawings: Path) -> None:
    mounts.mount("64k")
    for name in ("rows.npz", "rows.parquet"):
        done = mounts.lookgraph("export", mounts.at / name, "--library", drawings, code=1)
        assert done.err.startswith(f"lookgraph: {mounts.at / name} cannot be written: ")
        assert done.err.endswith("No space left on device.\n")
        assert list(mounts.seen(mounts.at).iterdir()) == []
        below = drawings / "00.png" / name
        done = mounts.lookgraph("export", below, "--library", drawings, code=1)
        assert done.err.startswith(f"lookgraph: {below} cannot be written: ")
        assert done.err.endswith("Not a directory.\n")
    mounts.fill_up()
    page = mounts.at / "page.html"
    done = mounts.lookgraph(
        "search", drawings / "00.png", "--html", page, "--library", drawings, code=1
    )
    assert done.err == f"lookgraph: {page} cannot be written: No space left on device.\n"
    assert [path.name for path in mounts.seen(mounts.at).iterdir()] == ["filler"]


ELSEWHERE = (
    "Make the folder writable, or keep the library elsewhere with --library DIR, "
    "and run the command again.\n"
)


def test_a_folder_that_cannot_be_written_to(
    mounts: Mounts, bare: Path, drawings: Path, tmp_path: Path
) -> None:
    mounts.mount("20m")
    folder = mounts.at / "pictures"
    mounts.run("cp", "-a", bare, folder)
    mounts.remount("ro")
    done = mounts.lookgraph("index", folder, code=1)
    assert done.err == (
        f"lookgraph: {folder}/.lookgraph: Read-only file system. What was committed is safe. "
        f"{ELSEWHERE}"
    )
    assert mounts.lookgraph("index", folder, "--dry-run", "--json").json["embedded"] == 60
    library = tmp_path / "elsewhere"
    mounts.lookgraph("index", folder, "--library", library)
    assert held(tmp_path, library) == held(drawings)
    wanted = mounts.found(drawings / "03.png", "--library", drawings)
    assert mounts.found(folder / "03.png", "--library", library) == wanted


@pytest.mark.parametrize("beside", ["as it was left", "alone"])
def test_a_library_that_cannot_be_written_to(
    beside: str, mounts: Mounts, bare: Path, drawings: Path
) -> None:
    mounts.mount("20m")
    folder = mounts.at / "pictures"
    mounts.run("cp", "-a", bare, folder)
    mounts.lookgraph("index", folder)
    mounts.lookgraph("status", folder)
    (mounts.seen(folder) / "99.png").write_bytes((bare / "00.png").read_bytes() + b"\0")
    if beside == "alone":
        for name in ("library.db-wal", "library.db-shm", "writer.lock"):
            mounts.run("rm", "-f", folder / ".lookgraph" / name)
    mounts.remount("ro")

    wanted = mounts.found(drawings / "03.png", "--library", drawings)
    assert mounts.found(folder / "03.png", "--library", folder) == wanted
    assert mounts.lookgraph("status", folder, "--json").json["pictures"] == 60
    assert b"BAD" not in mounts.lookgraph("doctor", folder).out
    assert mounts.lookgraph("index", folder, "--dry-run", "--json").json["embedded"] == 1
    done = mounts.lookgraph("index", folder, code=1)
    assert (done.err.count("\n"), done.err[-len(ELSEWHERE) :]) == (1, ELSEWHERE)


def test_a_library_whose_writer_was_killed_and_that_cannot_be_written_to(
    mounts: Mounts, bare: Path, drawings: Path
) -> None:
    """What was committed waits in SQLite's log, which nobody can put into the database here."""
    mounts.mount("20m")
    folder = mounts.at / "pictures"
    mounts.run("cp", "-a", bare, folder)
    killed = subprocess.run(
        [*mounts.enter, sys.executable, "-m", "tests.integration.dying",
         "after the transaction", "3", "index", folder],
        cwd=Path(__file__).parents[2], capture_output=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    assert (mounts.seen(folder) / ".lookgraph" / "library.db-wal").stat().st_size > 0
    mounts.remount("ro")
    assert mounts.lookgraph("status", folder, "--json").json["pictures"] == 12
    ((known, _),) = mounts.found(folder / "59.png", "-k1", "--library", folder)
    found = dict(mounts.found(folder / known, "-k99", "--library", folder))
    wanted = dict(mounts.found(drawings / known, "-k99", "--library", drawings))
    assert len(found) == 12
    assert {path: wanted[path] for path in found} == found


def test_a_cache_that_cannot_be_written_to(
    mounts: Mounts, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts.mount("64k")
    monkeypatch.setenv("LOOKGRAPH_CACHE", str(mounts.at / "cache"))
    done = mounts.lookgraph("index", bare, code=1)
    assert done.err.startswith(f"lookgraph: cannot write the network to {mounts.at}/cache/networks")
    assert "No space left on device" in done.err
    assert "LOOKGRAPH_CACHE" in done.err
    mounts.remount("ro")
    done = mounts.lookgraph("index", bare, code=1)
    assert "LOOKGRAPH_CACHE" in done.err
    monkeypatch.delenv("LOOKGRAPH_CACHE")


def test_parts_on_a_full_disk_are_whole_and_gone_on_with(mounts: Mounts, bare: Path) -> None:
    needs_module("ray")
    on_ray = ("index", bare, "--on", "ray", "--parts", mounts.at / "parts")
    mounts.mount("24k")
    done = mounts.lookgraph(*on_ray, code=1)
    assert done.out == b""
    *_, last = done.err.splitlines()
    assert last.startswith(f"lookgraph: {mounts.at / 'parts'}")
    assert last.endswith("No space left on device.")
    assert list(mounts.seen(mounts.at / "parts").glob("*.parquet*")) == []
    mounts.remount("size=20m")
    told = mounts.lookgraph(*on_ray, "--json").json
    assert (told["embedded"], told["unchanged"]) == (60, 0)
