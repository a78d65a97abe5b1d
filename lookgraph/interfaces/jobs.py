"""Work that somebody has asked for and that takes long, beside the answers to others."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from lookgraph.errors import LookgraphError
from lookgraph.indexing import IndexReport, Progress
from lookgraph.library import Library

_KEPT = 50
"""Jobs that can still be asked for when they are done."""


class Step(str, Enum):
    """What is done."""

    INDEX = "index"
    """The library is brought in step with its folder."""
    GRAPH = "graph"
    """Its graph is made, or brought up to date."""


class JobState(str, Enum):
    """How a job is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One run of what was asked for.

    Attributes:
        id: what it is asked for by.
        step: what is being done, or was last.
        state: how it is.
        done: files done; of a graph, hundredths.
        total: of so many.
        embedded: how many of them were embedded.
        report: what it did, when it is done.
        error: why it failed.
    """

    id: str
    step: Step = Step.INDEX
    state: JobState = JobState.RUNNING
    done: int = 0
    total: int = 0
    embedded: int = 0
    report: IndexReport | None = None
    error: LookgraphError | None = None


class BusyError(LookgraphError):
    """A job is running already."""


class _StoppedError(LookgraphError):
    """The service ends."""


class Jobs:
    """The jobs of one library, one at a time; safe to be asked from several threads."""

    def __init__(self, library: Library) -> None:
        """None is running.

        Args:
            library: that is indexed.
        """
        self._library = library
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def start(self, model: str | None, steps: Sequence[Step] = (Step.INDEX,)) -> Job:
        """Begin to bring the library in step with its folder, or what else is asked for.

        Args:
            model: the network to embed with; None for those of the library.
            steps: what is to be done, one after the other.

        Raises:
            BusyError: that is being done.
        """
        with self._lock:
            if self._thread and self._thread.is_alive():
                raise BusyError("The library is being indexed already. See its job.")
            job = Job(secrets.token_hex(8), steps[0])
            self._jobs[job.id] = job
            while len(self._jobs) > _KEPT:
                self._jobs.popitem(last=False)
            self._thread = threading.Thread(
                target=self._run, args=(job.id, model, steps), name="lookgraph-job", daemon=True
            )
            self._thread.start()
            return job

    def get(self, id_: str) -> Job | None:
        """A job as it is now; None if there is none of this id."""
        with self._lock:
            return self._jobs.get(id_)

    def all(self) -> tuple[Job, ...]:
        """All that can be asked for, the newest first."""
        with self._lock:
            return tuple(reversed(self._jobs.values()))

    def stop(self) -> None:
        """Break off what is running, after what it has committed, and wait for that."""
        self._stopping = True
        thread = self._thread
        if thread:
            thread.join()

    def running(self) -> Job | None:
        """The job that is being done; None if none is."""
        return next((job for job in self.all() if job.state is JobState.RUNNING), None)

    def _run(self, id_: str, model: str | None, steps: Sequence[Step]) -> None:
        try:
            for step in steps:
                self._change(id_, step=step, done=0, total=0)
                self._take(id_, model, step)
        except LookgraphError as error:
            self._change(id_, state=JobState.FAILED, error=error)
        except Exception:
            self._change(id_, state=JobState.FAILED, error=LookgraphError("It broke off."))
            raise
        else:
            self._change(id_, state=JobState.DONE)

    def _take(self, id_: str, model: str | None, step: Step) -> None:
        def indexed(progress: Progress) -> None:
            self._go_on()
            self._change(id_, done=progress.done, total=progress.total, embedded=progress.embedded)

        def built(share: float) -> None:
            self._go_on()
            self._change(id_, done=round(100 * share), total=100)

        if step is Step.INDEX:
            self._change(id_, report=self._library.index(model=model, progress=indexed))
        else:
            self._library.graph(model).build(progress=built)

    def _go_on(self) -> None:
        if self._stopping:
            raise _StoppedError("The service was ended. Ask again: it goes on from there.")

    def _change(self, id_: str, **facts: object) -> None:
        with self._lock:
            self._jobs[id_] = replace(self._jobs[id_], **facts)  # type: ignore[arg-type]
