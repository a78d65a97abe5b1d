"""What all tests share: where the network is kept, the photographs, and what may be missing."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import HealthCheck, settings

from tests.milvus_server import served
from tests.neo4j_server import NeedsError, Neo4jServer

if TYPE_CHECKING:
    from tests.neo4j_server.database import Neo4jDatabase

# A shell that starts the tests in the background has Ctrl-C ignored, and so would every process
# that they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

PROJECT = Path(__file__).parent.parent
PHOTOGRAPHS = PROJECT.parent / "shared" / "photos"

_NOBODY = 65534

# On a busy machine an example may take long; in CI the same examples run every time.
settings.register_profile(
    "lookgraph",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("lookgraph")


def missing(what: str) -> NoReturn:
    """Skip the test on somebody's own machine; fail it in CI, where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {what}")
    pytest.skip(f"needs {what}")


def needs_module(name: str) -> ModuleType:
    """An optional module, for a test that is about it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        missing(f"the module {name}")


@pytest.fixture(scope="session", autouse=True)
def _cache_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's cache; the network is built once for all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOKGRAPH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def photographs() -> Path:
    """A folder of real photographs, in folders by what they show."""
    if not PHOTOGRAPHS.is_dir():
        missing(f"photographs in {PHOTOGRAPHS}")
    return PHOTOGRAPHS


@contextmanager
def started(server: Neo4jServer) -> Iterator[Neo4jServer]:
    """A server of a test's own, until the end of the block."""
    try:
        needs_module("neo4j")
        server.start()
    except NeedsError as error:
        missing(str(error))
    else:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def neo4j_server() -> Iterator[Neo4jServer]:
    """A real server with Graph Data Science, one for all tests; started when first asked for."""
    with started(Neo4jServer()) as server:
        yield server


@pytest.fixture
def neo4j_database(neo4j_server: Neo4jServer) -> "Iterator[Neo4jDatabase]":
    """The database of that server, emptied before each test."""
    from tests.neo4j_server.database import emptied

    with emptied(neo4j_server) as database:
        yield database


RunCode = Callable[..., str]


@pytest.fixture
def as_somebody_else(tmp_path: Path) -> RunCode:
    """Runs code in a process that is not root's, so that permissions count; gives what it prints.

    Everything the code needs must be imported in ``imports``, before root's rights are dropped.
    """
    # pytest's folders are for their owner alone.
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder.stat().st_mode & 0o055 != 0o055:
            folder.chmod(folder.stat().st_mode | 0o055)

    def run(imports: str, code: str) -> str:
        # What is imported only when it is used may not be readable any more then.
        imports += "\nimport mmap, concurrent.futures.thread, numpy, sqlite3, urllib.parse"
        drop = f"import os\nif os.geteuid() == 0:\n    os.setgid({_NOBODY}); os.setuid({_NOBODY})"
        done = subprocess.run(
            [sys.executable, "-c", f"{imports}\n{drop}\n{code}"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Milvus server."""
    needs_module("pymilvus")
    with served(tmp_path_factory.mktemp("milvus") / "data") as address:
        yield address


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a whole Milvus server can do, unless the tests are given one."""
    if "LOOKGRAPH_TEST_MILVUS" in os.environ:
        return
    left_out = [item for item in items if item.get_closest_marker("milvus_server")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
