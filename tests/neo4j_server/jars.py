"""The server's jars and those of Graph Data Science, from Maven Central, fetched once.

Each lies in a folder by its version, ``server-5.26.31`` and ``gds-2.13.9``, in a cache that all
servers share. A folder that is there is whole: it is fetched aside and renamed.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from tests.neo4j_server.errors import NeedsError

POMS = Path(__file__).parent
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_TAIL = 2000


def default_cache() -> Path:
    """Where jars are kept between runs: a folder in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lookgraph-neo4j"


def fetched(name: str, cache: Path | None = None) -> Path:
    """The folder with the jars of ``server.xml`` or ``gds.xml``, fetched if it is not there."""
    cache = cache or default_cache()
    pom = POMS / f"{name}.xml"
    version = ElementTree.parse(pom).getroot().findtext("{*}version")
    folder = cache / f"{name}-{version}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock"):
        if not folder.is_dir():
            _fetch(pom, folder)
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock goes with its holder."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(pom: Path, folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NeedsError("Maven (mvn), which fetches the Neo4j server")
    aside = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)  # of a fetch that broke off
    print(f"Fetching {folder.name} from Maven Central, about a minute …", file=sys.stderr)
    start = time.monotonic()
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(pom), _PLUGIN, "-DincludeScope=runtime",
         f"-DoutputDirectory={aside}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        told = (done.stdout + done.stderr)[-_TAIL:]
        raise NeedsError(f"{folder.name}, which Maven could not fetch:\n{told}")
    aside.rename(folder)
    size = sum(jar.stat().st_size for jar in folder.iterdir()) / 1e6
    print(f"Fetched {size:.0f} MB in {time.monotonic() - start:.0f} s.", file=sys.stderr)
