"""One execution of Ray Data.

It does the scheduling: decoding in tasks, embedding in actors, and no more decoded pictures in
memory than the actors can take.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lookgraph.distributed.stages import Embedding, Shipped
from lookgraph.models.embedder import SettledEmbedder

_DECODING, _EMBEDDING = 0.4, 0.5
"""The shares of a core that a task and an actor ask Ray for. So there are as many of each as there
are cores, and the system gives the cores to those that have work. They differ, as otherwise Ray
Data puts both stages into the actors: there it tries a picture that kills again for ever."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network for the actors.

    Attributes:
        settled: what it is.
        data: its file; None where the workers share this machine's cache.
    """

    settled: SettledEmbedder
    data: bytes | None


def _resources(ray: Any) -> dict[str, float]:
    """What the cluster has in all."""
    found: dict[str, float] = ray.cluster_resources()
    return found


class Stream:
    """Tables that go through the stages, in no particular order.

    It must be made where Ray's own references can be followed: in a process of the cluster.

    Args:
        blocks: of files, as `stages.as_files` gives them. Each is done as a whole.
        task: from a block to a table.
        network: what embeds what the tasks gave; None if nothing is to be embedded.
    """

    def __init__(
        self,
        blocks: Sequence[pa.Table],
        task: Callable[..., Any],
        network: Network | None,
    ) -> None:
        import ray

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = -1  # `Run` sees which are missing
        whole: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow"}
        dataset = ray.data.from_arrow(list(blocks)).map_batches(task, num_cpus=_DECODING, **whole)
        if network:
            file = None if network.data is None else ray.put(network.data)
            actors = max(1, int(_resources(ray)["CPU"]))
            dataset = dataset.map_batches(
                Embedding,
                fn_constructor_args=(Shipped(network.settled, file),),
                compute=ray.data.ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=2),
                num_cpus=_EMBEDDING,
                **whole,
            )
        self._tables: Iterator[Any] = iter(dataset.iter_batches(**whole))

    def take(self) -> pa.Table | None:
        """The next table; None behind the last one."""
        table: pa.Table | None = next(self._tables, None)
        return table
