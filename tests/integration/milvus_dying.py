"""A writer that is killed in the middle of a change, at every moment that there is.

::

    python -m tests.integration.milvus_dying ADDRESS WORK MOMENT

is gone, as if by a loss of power, before the MOMENTth thing that it writes; or prints ``done`` if
there are fewer.
"""

import os
import signal
import sys
from typing import Any

from lookgraph.stores.base import Store, Writer
from lookgraph.stores.milvus import open_store
from lookgraph.stores.milvus.client.connection import Connection
from tests.contract.store_contract import OTHER, SPACE, VECTORS, entry, left_out, picture
from tests.pictures import unit

EMBEDDINGS = {picture(name).id: vector for name, vector in VECTORS.items()}


def prepare(store: Store) -> None:
    """What is there before."""
    with store.write() as writer:
        entries = [entry("a", "x"), entry("a2", "x"), entry("b", "y"), entry("gone", "z")]
        writer.commit(SPACE, entries, EMBEDDINGS)


def _commit(writer: Writer) -> None:
    """A path gets other content, others come, and one is left out."""
    entries = [entry("a", "y", 6), entry("c", "xy"), entry("d", "near x"), left_out("b")]
    writer.commit(SPACE, entries, EMBEDDINGS)


def _forget(writer: Writer) -> None:
    writer.forget(["gone", "a"])


def _embed(writer: Writer) -> None:
    """A file gets an embedding in a new space, which its copy has then, too."""
    writer.commit(OTHER, [entry("a", "x")], {picture("x").id: unit(1, 1)})


WORKS = {"commit": _commit, "forget": _forget, "embed": _embed}


def main(address: str, work: str, moment: int) -> None:
    """Do the work, and die."""
    left = moment

    def dying(original: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        return call

    with open_store(address, None).write() as writer:
        for name in ("upsert", "delete", "create"):
            setattr(Connection, name, dying(getattr(Connection, name)))
        WORKS[work](writer)
        print("done", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
