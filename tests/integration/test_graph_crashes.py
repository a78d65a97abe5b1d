"""A writer is killed while it makes, renews or carries over a graph; or its disk is full."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lookgraph.stores.base import GraphWanted
from lookgraph.stores.graphs import GRAPH_FOLDER
from lookgraph.stores.local import LocalStore
from lookgraph.types import Metric
from tests.conftest import PROJECT
from tests.integration.indexed import add, compact, forget, space
from tests.integration.test_graph_following import arrays, graph_files, link
from tests.integration.test_storage import Mounts, mounts

__all__ = ["mounts"]  # a fixture

pytestmark = pytest.mark.slow

WANTED = GraphWanted(4, 0.8)

_WRITER = """
import os, signal, sys
from pathlib import Path
from lookgraph.stores.local import LocalStore
from lookgraph.types import Metric
from tests.integration.indexed import compact, space
from tests.integration.test_graph_following import link

left = int(sys.argv[2])

def dying(call):
    def step(*arguments, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **named)
    return step

for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
    setattr(owner, name, dying(getattr(owner, name)))
store = LocalStore(Path(sys.argv[1]))
compact(store, space()) if sys.argv[3] == "compact" else link(store, Metric.COSINE)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with a graph, and changes that are not in it yet."""
    store = LocalStore(tmp_path_factory.mktemp("made") / "library")
    add(store, space(), range(200))
    link(store, Metric.COSINE, WANTED)
    add(store, space(), range(200, 260))
    forget(store, range(0, 200, 9))
    return store.folder


def same(store: LocalStore, other: LocalStore) -> bool:
    ours, theirs = arrays(store, Metric.COSINE), arrays(other, Metric.COSINE)
    return all(np.array_equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("work", ["link", "compact"])
@pytest.mark.parametrize("first", range(4))
def test_killed_at_any_step_the_graph_is_the_old_or_the_new_one(
    made: Path, tmp_path: Path, work: str, first: int
) -> None:
    before = LocalStore(made)
    after = LocalStore(Path(shutil.copytree(made, tmp_path / "after")))
    link(after, Metric.COSINE)
    renumbered = LocalStore(Path(shutil.copytree(after.folder, tmp_path / "renumbered")))
    compact(renumbered, space())
    for deadly in range(first + 1, 1000, 12):
        folder = Path(shutil.copytree(made, tmp_path / f"{deadly}"))
        done = subprocess.run(
            [sys.executable, "-c", _WRITER, folder, str(deadly), work],
            cwd=PROJECT, check=False, capture_output=True,
        )  # fmt: skip
        assert done.returncode in (0, -9), done.stderr
        store = LocalStore(folder)
        assert any(same(store, other) for other in (before, after, renumbered))
        link(store, Metric.COSINE)
        assert same(store, after) or same(store, renumbered)
        assert len(graph_files(store)) == len(graph_files(after))
        if done.returncode == 0:
            break
    else:
        pytest.fail("it never came to its end")


_RENEW = """
import sys
from pathlib import Path
from lookgraph.errors import StorageError
from lookgraph.stores.local import LocalStore
from lookgraph.types import Metric
from tests.integration.test_graph_following import link
try:
    link(LocalStore(Path(sys.argv[1])), Metric.COSINE)
    print("done")
except StorageError as error:
    print(error)
"""


def test_on_a_full_disk_the_graph_stays(made: Path, mounts: Mounts, tmp_path: Path) -> None:
    mounts.mount("4m")
    library = mounts.at / "library"
    mounts.run("cp", "-a", made, library)
    filler = mounts.fill_up()
    told, refused = "", 0
    while told != "done\n":
        found = LocalStore(Path(shutil.copytree(mounts.seen(library), tmp_path / f"{refused}")))
        assert same(found, LocalStore(made))
        # SQLite needs some room first; what is short then are the files of the graph.
        size = mounts.seen(filler).stat().st_size
        os.truncate(mounts.seen(filler), size - 40_000 if size > 40_000 else 0)
        told = subprocess.run(
            [*mounts.enter, sys.executable, "-c", _RENEW, library],
            cwd=PROJECT, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        refused += told.endswith("Make room on the disk, and run the command again.\n")
    assert refused >= 1
    done = LocalStore(Path(shutil.copytree(mounts.seen(library), tmp_path / "done")))
    status = done.graph_status(space())
    assert status is not None
    assert (status.behind, status.fault) == (0, None)


def test_a_compaction_carries_the_graph_over(made: Path, tmp_path: Path) -> None:
    store = LocalStore(Path(shutil.copytree(made, tmp_path / "library")))
    compact(store, space())
    status = store.graph_status(space())
    assert status is not None
    assert status.behind == 0
    carried = arrays(store, Metric.COSINE)
    shutil.rmtree(store.folder / GRAPH_FOLDER)
    link(store, Metric.COSINE)
    made_anew = arrays(store, Metric.COSINE)
    assert {name for name in carried if not np.array_equal(carried[name], made_anew[name])} == set()
