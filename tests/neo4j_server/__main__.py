"""A server for trying, from the command line.

::

    python -m tests.neo4j_server fetch|start|stop|status [--folder F] [--no-gds] [--heap 1g]
                                 [--set NAME=VALUE]…
"""

import argparse
import sys
from pathlib import Path

from tests.neo4j_server import jars
from tests.neo4j_server.errors import NeedsError, ServerError
from tests.neo4j_server.server import Neo4jServer

_FOLDER = Path(".neo4j")


def main() -> int:
    """Do what is asked; 0 if the server is then as it was asked for, 1 otherwise."""
    asked = _parser().parse_args()
    server = Neo4jServer(
        asked.folder, gds=asked.gds, heap=asked.heap,
        conf=dict(line.split("=", 1) for line in asked.set), dies_with_parent=False,
    )  # fmt: skip
    try:
        return _do(asked.command, server, asked.gds)
    except NeedsError as error:
        print(f"Needs {error}", file=sys.stderr)
        return 1
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1


def _do(command: str, server: Neo4jServer, gds: bool) -> int:
    if command == "fetch":
        jars.fetched("server")
        if gds:
            jars.fetched("gds")
        return 0
    if command == "start":
        server.start()
    elif command == "stop":
        server.stop()
    print(_status(server))
    return int((server.pid is not None) == (command == "stop"))


def _status(server: Neo4jServer) -> str:
    if server.pid is None:
        return f"No server runs in {server.folder}"
    return (
        f"{server.address}\n"
        f"  for the driver: {server.uri}, user {server.user}\n"
        f"  its password is in {server.folder / 'password'}\n"
        f"  process {server.pid}, data in {server.folder}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.neo4j_server")
    parser.add_argument("command", choices=["fetch", "start", "stop", "status"])
    parser.add_argument("--folder", type=Path, default=_FOLDER)
    parser.add_argument("--no-gds", dest="gds", action="store_false")
    parser.add_argument("--heap", default="1g")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
