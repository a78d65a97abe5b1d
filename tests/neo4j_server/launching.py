"""How the server's process is started: its jars, its settings, its command."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.neo4j_server import jars
from tests.neo4j_server.errors import NeedsError

_OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")


@dataclass(frozen=True, slots=True)
class Launching:
    """What may be chosen; see `server.Neo4jServer`."""

    gds: bool
    heap: str
    conf: Mapping[str, str]
    cache: Path | None


def launch(folder: Path, host: str, port: int, how: Launching) -> subprocess.Popen[bytes]:
    """Start the server in its folder; it answers some seconds later.

    Raises:
        NeedsError: Java, Maven or the jars cannot be had.
    """
    java = shutil.which("java")
    if java is None:
        raise NeedsError("Java 17 or newer (java), which runs the Neo4j server")
    names = ("server", "gds") if how.gds else ("server",)
    paths = [jars.fetched(name, how.cache) for name in names]
    _link_procedures(folder / "plugins", paths[1:])
    (folder / "conf").mkdir(exist_ok=True)
    settings = {**_settings(host, port, how.gds), **how.conf}
    lines = [f"{name}={value}\n" for name, value in settings.items()]
    (folder / "conf" / "neo4j.conf").write_text("".join(lines))
    with (folder / "console.log").open("ab") as log:
        return subprocess.Popen(
            [
                java, f"-Xmx{how.heap}",
                *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENED),
                "-cp", ":".join(f"{path}/*" for path in paths),
                "org.neo4j.server.CommunityEntryPoint",
                f"--home-dir={folder}", f"--config-dir={folder}/conf", "--console-mode",
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the tests, which then stop it
        )  # fmt: skip


def _link_procedures(plugins: Path, paths: list[Path]) -> None:
    """Neo4j reads every class of a jar in ``plugins``: 5 s more, if all jars are there."""
    shutil.rmtree(plugins, ignore_errors=True)  # it may be of another version
    plugins.mkdir()
    for path in paths:
        for jar in path.glob("*proc*.jar"):
            (plugins / jar.name).symlink_to(jar)


def _settings(host: str, port: int, gds: bool) -> dict[str, str]:
    settings = {
        "server.default_listen_address": host,
        "server.default_advertised_address": host,
        "server.bolt.listen_address": f"{host}:{port}",
        "server.bolt.advertised_address": f"{host}:{port}",
        "server.http.enabled": "false",
        "server.https.enabled": "false",
        "dbms.usage_report.enabled": "false",
        "server.memory.pagecache.size": "512m",
        "db.tx_log.preallocate": "false",  # else 256 MB for each database
        # Else it waits 10 s for threads that have nothing to do.
        "internal.server.bolt.thread_pool_shutdown_wait_time": "0s",
    }
    if gds:
        settings["dbms.security.procedures.unrestricted"] = "gds.*"
    return settings
