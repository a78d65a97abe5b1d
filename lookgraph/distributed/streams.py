"""One execution of Ray Data.

It does the scheduling: decoding in tasks, embedding in actors, and no more decoded pictures in
memory than the actors can take.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lookgraph.distributed.stages import Embedding, Shipped
from lookgraph.models.embedder import SettledEmbedder

_DECODING, _EMBEDDING = 0.4, 0.5
"""The shares of a core that a task and an actor ask Ray for. So there are as many of each as there
are cores, and the system gives the cores to those that have work. They differ, as otherwise Ray
Data puts both stages into the actors, and a picture that crashes a decoder takes the network with
it."""

_DEATHS = 3
"""So many more workers may die on a block before it is given up; Ray Data would try for ever."""

_WHOLE: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow"}


@dataclass(frozen=True, slots=True)
class Network:
    """A network for the actors.

    Attributes:
        settled: what it is.
        data: its file; None where the workers share this machine's cache.
    """

    settled: SettledEmbedder
    data: bytes | None


def _planned(ray: Any, dataset: Any, task: Callable[..., Any], network: Network | None) -> Any:
    """The dataset of what becomes of the blocks."""
    dataset = dataset.map_batches(task, num_cpus=_DECODING, max_retries=_DEATHS, **_WHOLE)
    if network is None:
        return dataset
    file = None if network.data is None else ray.put(network.data)
    actors = max(1, int(_resources(ray)["CPU"]))
    return dataset.map_batches(
        Embedding,
        fn_constructor_args=(Shipped(network.settled, file),),
        compute=ray.data.ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=2),
        num_cpus=_EMBEDDING,
        max_restarts=-1,
        max_task_retries=_DEATHS,
        **_WHOLE,
    )


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
        with warnings.catch_warnings():
            # That is what it says of the numbers of retries; in 2.64 there is to be another way.
            warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")
            dataset = _planned(ray, ray.data.from_blocks(list(blocks)), task, network)
        self._tables: Iterator[Any] = iter(dataset.iter_batches(**_WHOLE))

    def take(self) -> pa.Table | None:
        """The next table; None behind the last one."""
        table: pa.Table | None = next(self._tables, None)
        return table
