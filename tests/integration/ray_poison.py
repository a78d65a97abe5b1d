"""Index a folder on Ray where files called ``poison…`` kill the process that opens them.

    python -m tests.integration.ray_poison FOLDER

Crashes in native code cannot be had to order, and to Ray they are the same.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lookgraph import indexing
from lookgraph.choosing import choose_new
from lookgraph.config import usable_cores
from lookgraph.distributed.job import OnRay, Workplace
from lookgraph.ingest.pipeline import Folder, Opened
from lookgraph.models.runtimes.base import Choice
from lookgraph.stores.local import LocalStore
from lookgraph.types import Patterns


@dataclass(frozen=True)
class Poisoned:
    root: Path

    @contextmanager
    def open(self, path: str) -> Iterator[Opened]:
        if Path(path).name.startswith("poison"):
            os.kill(os.getpid(), signal.SIGKILL)
        with Folder(self.root).open(path) as opened:
            yield opened


def main() -> None:
    root = Path(sys.argv[1]).resolve()
    chosen = choose_new(None, None, None, Choice("onnxruntime"))
    store = LocalStore(root / ".lookgraph")
    job = indexing.Job(root, Patterns(), "", chosen.space, chosen.network, store.folder)
    place = Workplace("ray", Poisoned(root))
    embed = OnRay(place, lambda count: chosen.settle(usable_cores(), count), knows=False)
    report = indexing.run_with(store, job, embed, lambda _: None)
    print(report.embedded, report.skipped)


if __name__ == "__main__":
    main()
