"""Indexing that somebody has asked for, beside the answers to others."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import Enum

from lookgraph.errors import LookgraphError
from lookgraph.indexing import IndexReport, Progress
from lookgraph.library import Library

_KEPT = 50
"""Jobs that can still be asked for when they are done."""


class JobState(str, Enum):
    """How a job is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One run of indexing.

    Attributes:
        id: what it is asked for by.
        state: how it is.
        done: files done.
        total: of files to do.
        embedded: how many of them were embedded.
        report: what it did, when it is done.
        error: why it failed.
    """

    id: str
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

    def start(self, model: str | None) -> Job:
        """Begin to bring the library in step with its folder.

        Args:
            model: the network to embed with; None for those of the library.

        Raises:
            BusyError: that is being done.
        """
        with self._lock:
            if self._thread and self._thread.is_alive():
                raise BusyError("The library is being indexed already. See its job.")
            job = Job(secrets.token_hex(8))
            self._jobs[job.id] = job
            while len(self._jobs) > _KEPT:
                self._jobs.popitem(last=False)
            self._thread = threading.Thread(
                target=self._run, args=(job.id, model), name="lookgraph-index", daemon=True
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

    def _run(self, id_: str, model: str | None) -> None:
        def told(progress: Progress) -> None:
            if self._stopping:
                raise _StoppedError("The service was ended. Index again: it goes on from there.")
            self._change(id_, done=progress.done, total=progress.total, embedded=progress.embedded)

        try:
            report = self._library.index(model=model, progress=told)
        except LookgraphError as error:
            self._change(id_, state=JobState.FAILED, error=error)
        except Exception:
            self._change(id_, state=JobState.FAILED, error=LookgraphError("Indexing broke off."))
            raise
        else:
            self._change(id_, state=JobState.DONE, report=report)

    def _change(self, id_: str, **facts: object) -> None:
        with self._lock:
            self._jobs[id_] = replace(self._jobs[id_], **facts)  # type: ignore[arg-type]
