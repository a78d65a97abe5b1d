"""Ray: started on this machine, or reached on a cluster, and quiet in either case."""

import importlib.util
import logging
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lookgraph.config import set_defaults, usable_cores
from lookgraph.errors import ClusterError, MissingExtraError, UsageError

LOCAL = "ray"
"""What is said for Ray on this machine; anything else is the address of a cluster."""

_CLUSTER = "ray://"

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would tell its makers
    "RAY_USAGE_STATS_PROMPT_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_DATA_ENABLE_PROGRESS_BARS": "0",
}
_ALONE = {
    # Where no clusters are to be, Ray's servers listen on the loopback interface only.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",  # others on this machine can reach that, too
    # Ray's workers stand back behind all other processes; this command's own threads do not.
    "RAY_worker_niceness": "0",
    # A picture that takes all memory is left out after so many workers, instead of never.
    "RAY_task_oom_retries": "3",
    # Nobody asks for these, and to gather them takes a twentieth of the time.
    "RAY_enable_metrics_collection": "0",
    "RAY_event_stats": "0",
    "RAY_task_events_report_interval_ms": "0",
}

_PREFIX = "lookgraph-ray-"

_STORE_BYTES = 256 << 20
_STORE_BYTES_A_CORE = 64 << 20
"""What decoded pictures may take that wait for the network, and embeddings that wait for us."""


def check_address(address: str) -> None:
    """Refuse what is neither `LOCAL` nor a cluster's address.

    Raises:
        UsageError: it is none.
        MissingExtraError: Ray is not installed.
    """
    if address != LOCAL and not (address.startswith(_CLUSTER) and address != _CLUSTER):
        raise UsageError(f"{address} is no place to embed on: say ray, or ray://HOST:PORT.")
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
        raise MissingExtraError("Embedding on Ray", "ray")


@contextmanager
def started(address: str) -> Iterator[Any]:
    """Start Ray on this machine, or reach a cluster, until the end of the block.

    A Ray that this process has started already is used, and goes on afterwards.

    Args:
        address: as `check_address` admits it.

    Yields:
        the module.

    Raises:
        ClusterError: the cluster cannot be reached, or does not know what is to be done.
    """
    set_defaults(_QUIET)
    ray = _module(alone=address == LOCAL)
    if ray.is_initialized():
        yield ray
        return
    folder = _folder()
    try:
        with _hushed(folder / "said"), _unsaid():
            try:
                _connect(ray, address, folder)
                yield ray
            finally:
                ray.shutdown()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _unsaid() -> Iterator[None]:
    """Let Ray not write to stdout which workers have died, for which it has no setting either."""
    worker = importlib.import_module("ray._private.worker")
    before = getattr(worker, "print_to_stdstream", None)
    setattr(worker, "print_to_stdstream", lambda *_, **__: None)  # noqa: B010 - it is not ours
    try:
        yield
    finally:
        setattr(worker, "print_to_stdstream", before)  # noqa: B010


@contextmanager
def _hushed(file: Path) -> Iterator[None]:
    """Let what is not Python write to a file instead of stderr.

    Ray's core writes its errors there, such as a warning for every pool of actors, and has no
    setting against it (ray-project/ray#18577).
    """
    python = sys.stderr
    try:
        ours = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    stderr_is_ours = _descriptor(python) == 2
    with file.open("wb") as theirs:
        os.dup2(theirs.fileno(), 2)
    try:
        if stderr_is_ours:
            sys.stderr = os.fdopen(os.dup(ours), "w", 1, encoding=python.encoding,
                                   errors=python.errors)  # fmt: skip
        yield
    finally:
        if stderr_is_ours:
            sys.stderr.close()
            sys.stderr = python
        os.dup2(ours, 2)
        os.close(ours)


def _descriptor(stream: object) -> int | None:
    try:
        return stream.fileno()  # type: ignore[attr-defined, no-any-return]
    except (AttributeError, OSError, ValueError):
        return None


def on_cluster(ray: Any) -> bool:
    """Whether this process is only a client of a cluster."""
    return bool(ray.util.client.ray.is_connected())


def _folder() -> Path:
    """A folder for what Ray keeps; those of runs that were killed go.

    It is no deeper than must be, as the paths of Ray's sockets can have some hundred characters.
    """
    above = Path("/tmp")  # noqa: S108 - mkdtemp makes it ours alone
    above = above if above.is_dir() else Path(tempfile.gettempdir())
    for left in above.glob(f"{_PREFIX}*"):
        process = left.name.removeprefix(_PREFIX).partition("-")[0]
        with suppress(OSError):
            if (
                process.isdecimal()
                and left.stat().st_uid == os.geteuid()
                and not _runs(int(process))
            ):
                shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=above))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _module(*, alone: bool) -> Any:
    """Ray, imported with what it reads from the environment.

    It reads that once. Where it was imported before, its servers would demand the token, and this
    process would not send it.
    """
    if alone and "ray" not in sys.modules:
        set_defaults({**_ALONE, "RAY_AUTH_TOKEN": secrets.token_hex(32)})
    ray = importlib.import_module("ray")
    importlib.import_module("ray.data")
    # What it says of single tasks that failed is for its own log.
    for name in ("ray", "ray.data"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL)
        logger.handlers = [logging.NullHandler()]
    return ray


def _connect(ray: Any, address: str, folder: Path) -> None:
    try:
        if address == LOCAL:
            cores = usable_cores()
            ray.init(
                address="local",
                num_cpus=cores,
                object_store_memory=_STORE_BYTES + cores * _STORE_BYTES_A_CORE,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                _temp_dir=str(folder),
            )
        else:
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
            _check_version(ray)
    except ClusterError:
        raise
    except Exception as error:
        # Ray, gRPC and the operating system say it each in their own way.
        with suppress(Exception):
            ray.shutdown()
        told = first_line(error)
        if address == LOCAL:
            raise ClusterError(f"Ray cannot be started here: {told}.") from error
        raise ClusterError(
            f"{address} cannot be reached: {told}. Is that the port of Ray's client server, and "
            "are RAY_AUTH_MODE and RAY_AUTH_TOKEN as they are there?"
        ) from error


def _check_version(ray: Any) -> None:
    """The workers must have this Lookgraph, as both ends pass its objects."""

    def theirs() -> str | None:
        try:
            return version("lookgraph")
        except PackageNotFoundError:
            return None

    ours = version("lookgraph")
    found = ray.get(ray.remote(num_cpus=0)(theirs).remote())
    if found != ours:
        has = f"has Lookgraph {found}" if found else "has no Lookgraph"
        raise ClusterError(
            f"The cluster {has}, and this is {ours}. Install the same there: "
            f"pip install 'lookgraph[ray]=={ours}'"
        )


def first_line(error: BaseException) -> str:
    """What an error says, short enough for one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(".")
