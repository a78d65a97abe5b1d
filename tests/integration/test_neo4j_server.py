"""The server that the other tests lean on."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import neo4j
import pytest

from tests.conftest import PROJECT, started
from tests.neo4j_server import Neo4jServer, ServerError, jars, processes
from tests.neo4j_server.database import Neo4jDatabase, emptied

pytestmark = pytest.mark.slow

_PATIENCE_SECONDS = 30


@pytest.fixture(scope="module")
def own() -> Iterator[Neo4jServer]:
    """A small server, to be killed and stopped."""
    conf = {"db.transaction.timeout": "77s"}
    with started(Neo4jServer(gds=False, heap="400m", conf=conf)) as server:
        yield server


def running(server: Neo4jServer) -> bool:
    return server.pid is not None


def until(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not happens():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)


def test_a_database_is_given_empty(neo4j_server: Neo4jServer) -> None:
    with emptied(neo4j_server) as database:
        database.run("UNWIND range(1, $n) AS i CREATE (:Thing {i: i})-[:NEAR]->(:Thing)", n=20_000)
        database.run("CREATE CONSTRAINT `a``b` FOR (t:Thing) REQUIRE t.i IS UNIQUE")
        database.run("CREATE VECTOR INDEX v FOR (t:Thing) ON t.x")
        database.run("CREATE USER other SET PASSWORD '12345678'")
        database.run("CALL gds.graph.project('g', 'Thing', 'NEAR')")
        assert database.run("MATCH (t:Thing) RETURN sum(t.i)")[0][0] == 200_010_000
    with emptied(neo4j_server) as database:
        assert database.run("MATCH (n) RETURN count(n)")[0][0] == 0
        assert database.run("SHOW CONSTRAINTS") == []
        assert [row["type"] for row in database.run("SHOW INDEXES")] == ["LOOKUP", "LOOKUP"]
        assert [row["user"] for row in database.run("SHOW USERS YIELD user")] == ["neo4j"]
        assert database.run("CALL gds.graph.list() YIELD graphName") == []


def test_graph_data_science_is_whole(neo4j_database: Neo4jDatabase) -> None:
    assert neo4j_database.run("RETURN gds.version()")[0][0] == "2.13.9"
    cosine = neo4j_database.run("RETURN gds.similarity.cosine([1.0, 0.0], [3.0, 4.0])")[0][0]
    assert cosine == pytest.approx(0.6)
    names = "SHOW PROCEDURES YIELD name WHERE name STARTS WITH 'gds.' RETURN collect(name)"
    there = neo4j_database.run(names)[0][0]
    assert len(there) == 411  # as with every jar among the plugins
    assert {"gds.knn.write", "gds.leiden.stream", "gds.wcc.mutate"} <= set(there)


def test_routing_comes_back_to_the_same_port(neo4j_database: Neo4jDatabase) -> None:
    address = f"neo4j://{neo4j_database.host}:{neo4j_database.port}"
    auth = (neo4j_database.user, neo4j_database.password)
    with neo4j.GraphDatabase.driver(address, auth=auth) as driver:
        answered = driver.execute_query("RETURN 1 AS one", database_="neo4j")
    assert answered.records[0]["one"] == 1
    assert answered.summary.server.address == (neo4j_database.host, neo4j_database.port)


def test_a_wrong_password_is_refused(own: Neo4jServer) -> None:
    own.start()
    for password in ("wrong-password", "neo4j"):
        with (
            neo4j.GraphDatabase.driver(own.uri, auth=(own.user, password)) as driver,
            pytest.raises(neo4j.exceptions.AuthError),
        ):
            driver.verify_connectivity()


def test_settings_arrive(own: Neo4jServer) -> None:
    with emptied(own) as database:
        shown = database.run("SHOW SETTINGS 'db.transaction.timeout' YIELD value")
        gds = database.run("SHOW PROCEDURES YIELD name WHERE name STARTS WITH 'gds.'")
    assert [row["value"] for row in shown] == ["1m17s"]
    assert gds == []


def test_what_is_killed_keeps_its_data(own: Neo4jServer) -> None:
    with emptied(own) as database:
        database.run("CREATE (:Kept {n: 7})")
        before = own.pid, own.port, own.password
        own.kill()
        assert not running(own)
        own.start()
        assert running(own)
        assert own.pid != before[0]
        assert (own.port, own.password) == before[1:]
        assert database.run("MATCH (k:Kept) RETURN k.n")[0][0] == 7


def test_what_is_restarted_keeps_its_data_and_was_shut_down(own: Neo4jServer) -> None:
    with emptied(own) as database:
        database.run("CREATE (:Kept {n: 8})")
        port = own.port
        start = time.monotonic()
        own.stop()
        assert time.monotonic() - start < 5
        assert own.log.splitlines()[-1].endswith("Stopped.")
        own.start()
        assert own.port == port
        assert database.run("MATCH (k:Kept) RETURN k.n")[0][0] == 8


def test_stopping_twice_is_stopping_once(own: Neo4jServer) -> None:
    own.stop()
    own.stop()
    own.kill()
    assert not running(own)


def test_two_starts_of_a_folder_are_one_server(own: Neo4jServer) -> None:
    own.stop()
    other = Neo4jServer(own.folder, gds=False)
    log = own.folder / "console.log"
    before = log.read_text().count("Starting...")
    with ThreadPoolExecutor(2) as both:
        list(both.map(Neo4jServer.start, [own, other]))
    assert own.pid == other.pid is not None
    assert own.address == other.address
    assert log.read_text().count("Starting...") == before + 1
    other.stop()
    assert not running(own)


def test_a_process_that_is_not_the_server_is_left_alone(own: Neo4jServer) -> None:
    own.stop()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as stranger:
        assert stranger.stdin is not None
        assert stranger.stdout is not None
        stranger.stdin.write(b"there\n")
        stranger.stdin.flush()
        assert stranger.stdout.readline() == b"there\n"
        (own.folder / "pid").write_text(str(stranger.pid))
        assert not running(own)
        own.stop()
        assert stranger.poll() is None
        stranger.kill()


def test_it_ends_with_whoever_started_it(own: Neo4jServer) -> None:
    own.stop()
    code = (
        "from tests.neo4j_server import Neo4jServer\n"
        "server = Neo4jServer(gds=False, heap='400m').start()\n"
        "print(server.pid, server.folder, flush=True)\n"
        "input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as starter:  # fmt: skip
        assert starter.stdout is not None
        pid, folder = starter.stdout.readline().split()
        assert processes.is_server(int(pid), Path(folder))
        starter.kill()
    until(lambda: not processes.is_server(int(pid), Path(folder)))
    until(lambda: not Path(folder).exists())


def test_a_server_that_dies_tells_why(own: Neo4jServer) -> None:
    own.stop()
    with pytest.raises(ServerError, match=r"ended while it started(?s:.*)no\.such\.setting"):
        Neo4jServer(own.folder, gds=False, conf={"no.such.setting": "1"}).start()
    assert not running(own)


def test_the_command_starts_tells_and_stops(own: Neo4jServer, tmp_path: Path) -> None:
    own.stop()

    def command(name: str, code: int) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tests.neo4j_server", name, "--no-gds", "--heap", "400m",
             "--folder", str(tmp_path / "neo4j")],
            cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout

    assert command("status", 1).startswith("No server runs")
    try:
        told = command("start", 0)
        assert command("start", 0) == command("status", 0) == told
        address, password = told.splitlines()[0], (tmp_path / "neo4j" / "password").read_text()
        assert re.fullmatch(r"neo4j://neo4j@127\.0\.0\.1:\d+/neo4j", address)
        assert password not in told
        uri = address.replace("neo4j@", "").removesuffix("/neo4j")
        with neo4j.GraphDatabase.driver(uri, auth=("neo4j", password)) as driver:
            driver.verify_connectivity()
    finally:
        assert command("stop", 0).startswith("No server runs")
    assert command("stop", 0).startswith("No server runs")


def test_jars_are_fetched_again_after_a_fetch_that_broke_off(
    own: Neo4jServer, tmp_path: Path
) -> None:
    whole = jars.fetched("gds")
    broken = tmp_path / f"{whole.name}.part"
    broken.mkdir()
    (broken / "half.jar").write_bytes(b"PK")
    folder = jars.fetched("gds", tmp_path)
    assert not broken.exists()
    sizes = [{jar.name: jar.stat().st_size for jar in f.iterdir()} for f in (folder, whole)]
    assert sizes[0] == sizes[1]


def test_the_container_has_the_same_settings(own: Neo4jServer) -> None:
    compose = (PROJECT / "compose.yaml").read_text()
    told = dict(re.findall(r"NEO4J_([a-z_]+): \"(.*)\"", compose))
    theirs = {re.sub("(?<!_)_(?!_)", ".", name).replace("__", "_"): v for name, v in told.items()}
    conf = (own.folder / "conf" / "neo4j.conf").read_text().splitlines()
    ours = dict(line.split("=", 1) for line in conf)
    for name in ("dbms.usage_report.enabled", "server.memory.pagecache.size"):
        assert theirs[name] == ours[name]
