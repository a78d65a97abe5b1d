"""Decoding in other processes: what decoding here gives, and nobody else notices how one ends."""

import io
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookgraph.ingest import decoders
from lookgraph.ingest.decode import Decoded, Here, UnusableError, decode
from lookgraph.ingest.decoders import Decoders, DecodersError
from lookgraph.models.preprocess import fit, reduced
from lookgraph.models.registry import DEFAULT_MODEL, find_model
from lookgraph.types import Prepares, SkipKind
from tests.e2e.commands import until
from tests.pictures import as_bytes, drawn, exif, rgb_profile

pytestmark = pytest.mark.slow

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")


def transparent() -> Image.Image:
    picture = drawn(1, 90, 70)
    picture.putalpha(drawn(2, 90, 70).convert("L"))
    return picture


PICTURES = {
    "JPEG": as_bytes(drawn(3, 1800, 1200), "JPEG", quality=92),
    "alpha": as_bytes(transparent(), "PNG"),
    "profile": as_bytes(drawn(4), "PNG", icc_profile=rgb_profile()),
    "grey": as_bytes(drawn(5).convert("L"), "PNG"),
    "on its side": as_bytes(
        drawn(6, 160, 120), "JPEG", exif=exif(6, "2021:05:04 13:14:15"), quality=95
    ),
}
UNUSABLE = {
    "empty": b"",
    "text": b"a picture of a cat",
    "cut": as_bytes(drawn(7), "PNG")[:900],
    "no header": b"\xff\xd8\xff" + bytes(100),
    "no pixels": b"GIF89a" + bytes(30),
}


def endless() -> bytes:
    """A JPEG of 1 MB that takes minutes: of many scans, each a pass over 16 million pixels."""
    whole = as_bytes(Image.new("L", (4000, 4000), 90), "JPEG", progressive=True)
    start, end = whole.rindex(b"\xff\xc4"), whole.rindex(b"\xff\xd9")
    assert whole.index(b"\xff\xda", start) < end
    return whole[:start] + whole[start:end] * 20_000 + whole[end:]


ENDLESS = endless()


@contextmanager
def opened(
    count: int, seconds: float = 60.0, bytes_each: int = 2 * 2**30
) -> Iterator[Callable[[bytes], Decoded]]:
    """What decodes bytes in so many processes."""
    made = Decoders(count, seconds, bytes_each)
    try:
        yield lambda content: made.decode(io.BytesIO(content), 512)
    finally:
        made.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Decoders]:
    made = Decoders(2, seconds=60.0)
    yield made
    made.close()


def processes() -> list[BaseProcess]:
    return [
        child for child in multiprocessing.active_children() if child.name == "lookgraph-decoder"
    ]


def one_process(before: list[BaseProcess]) -> int:
    """The id of the only process that was not there before."""
    (process,) = (child for child in processes() if child not in before)
    assert process.pid
    return process.pid


def alike(one: Decoded, other: Decoded) -> bool:
    described = [(it.format, it.width, it.height, it.taken, it.image.mode) for it in (one, other)]
    same = np.array_equal(np.asarray(one.image), np.asarray(other.image))
    return same and described[0] == described[1]


def error_of(act: Callable[[], object]) -> UnusableError:
    with pytest.raises(UnusableError) as caught:
        act()
    return caught.value


@pytest.mark.parametrize("side", [150, 512, 1 << 30])
@pytest.mark.parametrize("name", PICTURES)
def test_it_gives_what_decoding_here_gives(shared: Decoders, name: str, side: int) -> None:
    file = io.BytesIO(PICTURES[name])
    file.seek(11)
    found = shared.decode(file, side)
    wanted = decode(io.BytesIO(PICTURES[name]), side)
    assert alike(found, wanted)
    if name == "on its side":
        assert (found.width, found.height, found.taken) == (120, 160, "2021-05-04T13:14:15")


@pytest.mark.parametrize(
    "prepare",
    [
        partial(fit, preparation=find_model(DEFAULT_MODEL).preparation),
        partial(fit, preparation=find_model("vgg16-cv2").preparation),
        partial(reduced, side=90),
    ],
    ids=["cut", "squashed", "reduced"],
)
@pytest.mark.parametrize("name", PICTURES)
def test_it_gives_what_preparing_here_gives(shared: Decoders, name: str, prepare: Prepares) -> None:
    found = shared.prepared(io.BytesIO(PICTURES[name]), 512, prepare)
    wanted = Here().prepared(io.BytesIO(PICTURES[name]), 512, prepare)
    assert found.dtype == np.uint8
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("name", UNUSABLE)
def test_it_refuses_what_decoding_here_refuses(shared: Decoders, name: str) -> None:
    found = error_of(lambda: shared.decode(io.BytesIO(UNUSABLE[name]), 512))
    wanted = error_of(lambda: decode(io.BytesIO(UNUSABLE[name]), 512))
    assert (found.skip, str(found)) == (wanted.skip, str(wanted))
    prepare = partial(reduced, side=90)
    found = error_of(lambda: shared.prepared(io.BytesIO(UNUSABLE[name]), 512, prepare))
    assert (found.skip, str(found)) == (wanted.skip, str(wanted))


def test_a_refused_picture_does_not_end_the_process() -> None:
    before = processes()
    with opened(1) as decoded:
        decoded(PICTURES["grey"])
        process = one_process(before)
        error_of(lambda: decoded(UNUSABLE["cut"]))
        decoded(PICTURES["grey"])
        assert one_process(before) == process


def test_none_is_started_before_it_is_needed_and_none_more_than_are() -> None:
    before = processes()
    with opened(3) as decoded:
        assert processes() == before
        error_of(lambda: decoded(b"no picture"))
        assert processes() == before
        for content in PICTURES.values():
            decoded(content)
        one_process(before)


def test_one_that_waits_for_longer_than_a_picture_may_take_stays() -> None:
    before = processes()
    with opened(1, seconds=0.5) as decoded:
        decoded(PICTURES["grey"])
        process = one_process(before)
        time.sleep(0.8)
        assert one_process(before) == process


def test_one_killed_while_it_waits_is_replaced() -> None:
    before = processes()
    with opened(1) as decoded:
        decoded(PICTURES["grey"])
        process = one_process(before)
        os.kill(process, signal.SIGKILL)
        until(lambda: process not in {child.pid for child in processes()})
        assert alike(decoded(PICTURES["alpha"]), decode(io.BytesIO(PICTURES["alpha"]), 512))
        assert one_process(before) != process


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_one_that_dies_at_work_is_the_picture_s_fault_alone(how: signal.Signals) -> None:
    before = processes()
    with opened(1) as decoded, ThreadPoolExecutor() as pool:
        decoded(PICTURES["grey"])
        process = one_process(before)
        working = pool.submit(decoded, ENDLESS)
        time.sleep(0.3)
        after = pool.submit(decoded, PICTURES["alpha"])
        assert not working.done()
        os.kill(process, how)
        error = error_of(lambda: working.result(20))
        assert (error.skip.kind, error.skip.reason) == (
            SkipKind.DAMAGED, "decoding it ended the decoder",
        )  # fmt: skip
        assert alike(after.result(20), decode(io.BytesIO(PICTURES["alpha"]), 512))


def test_a_picture_that_takes_too_long_is_given_up() -> None:
    before = processes()
    with opened(1, seconds=0.7) as decoded:
        decoded(PICTURES["grey"])
        process = one_process(before)
        began = time.monotonic()
        error = error_of(lambda: decoded(ENDLESS))
        assert 0.7 <= time.monotonic() - began < 3
        assert (error.skip.kind, error.skip.reason) == (
            SkipKind.TOO_LARGE, "it takes more than 0.7 seconds to decode",
        )  # fmt: skip
        assert process not in {child.pid for child in processes()}
        assert alike(decoded(PICTURES["alpha"]), decode(io.BytesIO(PICTURES["alpha"]), 512))


def test_a_process_that_was_stopped_does_not_hold_its_caller() -> None:
    """Nothing reads from the pipe then, and the file is larger than what fits into it."""
    before = processes()
    with opened(1, seconds=0.7) as decoded:
        decoded(PICTURES["grey"])
        os.kill(one_process(before), signal.SIGSTOP)
        large = as_bytes(drawn(8, 2000, 2000), "BMP")
        assert error_of(lambda: decoded(large)).skip.kind is SkipKind.TOO_LARGE
        assert alike(decoded(large), decode(io.BytesIO(large), 512))


def test_a_process_ends_itself_in_time_whether_or_not_somebody_waits() -> None:
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=decoders._work, args=(its, 0.2, 2**30), daemon=True)
    process.start()
    its.close()
    assert ours.recv_bytes() == b"ready"
    ours.send_bytes(pickle.dumps(decoders._Wanted(512)))
    ours.send_bytes(ENDLESS)
    process.join(10)
    assert process.exitcode == -signal.SIGALRM


class StoppedError(Exception):
    pass


def test_the_answer_to_who_has_left_goes_to_nobody_else() -> None:
    def stop(_number: int, _frame: object) -> None:
        raise StoppedError

    before = signal.signal(signal.SIGUSR1, stop)
    leaving = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        with opened(1, seconds=2.0) as decoded:
            decoded(PICTURES["grey"])
            leaving.start()
            with pytest.raises(StoppedError):
                decoded(ENDLESS)
            assert alike(decoded(PICTURES["alpha"]), decode(io.BytesIO(PICTURES["alpha"]), 512))
    finally:
        leaving.join()
        signal.signal(signal.SIGUSR1, before)


@linux
@pytest.mark.parametrize("bytes_each", [2**25, 2**28])
def test_a_picture_that_needs_too_much_memory_is_too_large(bytes_each: int) -> None:
    """It is short for the pixels; or there is enough for them, and not to hand them over."""
    before = processes()
    large = as_bytes(Image.new("L", (6000, 6000), 9), "PNG")
    with opened(1, bytes_each=bytes_each) as decoded:
        decoded(PICTURES["grey"])
        process = one_process(before)
        error = error_of(lambda: decoded(large))
        assert (error.skip.kind, error.skip.reason) == (
            SkipKind.TOO_LARGE, "there is not enough memory to decode it",
        )  # fmt: skip
        assert alike(decoded(PICTURES["alpha"]), decode(io.BytesIO(PICTURES["alpha"]), 512))
        assert one_process(before) == process
    with opened(1) as decoded:
        assert decoded(large).image.size == (6000, 6000)


def test_many_threads_share_few_processes() -> None:
    contents = [as_bytes(drawn(seed, 60 + seed, 50), "PNG") for seed in range(64)]
    before = processes()
    with opened(2) as decoded, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(decoded, contents))
        assert len(processes()) - len(before) == 2
    for decoded_there, content in zip(found, contents, strict=True):
        assert alike(decoded_there, decode(io.BytesIO(content), 512))


def test_who_waits_too_long_for_a_process_is_told() -> None:
    with opened(1, seconds=1.5) as decoded, ThreadPoolExecutor() as pool:
        decoded(PICTURES["grey"])
        first = pool.submit(decoded, ENDLESS)
        time.sleep(0.1)
        others = [pool.submit(decoded, ENDLESS) for _ in range(3)]
        said = [other.exception(20) for other in others]
        assert isinstance(first.exception(20), UnusableError)
        busy = [error for error in said if isinstance(error, DecodersError)]
        assert len(busy) >= 2
        assert str(busy[0]) == "No decoder was free for 1.5 seconds. Try again later."


def test_after_closing_no_process_is_left_and_none_is_started() -> None:
    before = processes()
    made = Decoders(2, seconds=60.0)
    with ThreadPoolExecutor() as pool:
        pending = [pool.submit(made.decode, io.BytesIO(ENDLESS), 512) for _ in range(4)]
        until(lambda: len(processes()) == len(before) + 2)
        time.sleep(0.5)
        made.close()
        for one in pending:
            error = one.exception(10)
            assert isinstance(error, DecodersError)
            assert str(error) == "The decoders are closed."
    assert processes() == before
    with pytest.raises(DecodersError, match="closed"):
        made.decode(io.BytesIO(PICTURES["grey"]), 512)
    made.close()
    assert processes() == before


_UNGUARDED = """
import io
from lookgraph.ingest.decoders import Decoders, DecodersError
try:
    Decoders(1).decode(io.BytesIO(b"\\xff\\xd8\\xff"), 512)
except DecodersError as error:
    print(error)
"""


def test_a_process_that_does_not_start_is_not_the_picture_s_fault(tmp_path: Path) -> None:
    """A script without the guard that multiprocessing asks for: the process runs it, too."""
    (tmp_path / "unguarded.py").write_text(_UNGUARDED)
    done = subprocess.run(
        [sys.executable, tmp_path / "unguarded.py"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "A decoder ended while it started.\n"


_PARENT = """
import io, multiprocessing, os, sys, threading, time
from lookgraph.ingest.decoders import Decoders

def decode(decoders, content):
    try:
        decoders.decode(io.BytesIO(content), 512)
    except Exception as error:
        os.write(2, str(error).encode())  # a stream's lock may be held where the process ends

# One process works, and the other has worked and waits.
if __name__ == "__main__":
    small, slow = (open(name, "rb").read() for name in sys.argv[1:])
    decoders = Decoders(2, seconds=8.0)
    decode(decoders, small)
    threading.Thread(target=decode, args=(decoders, slow), daemon=True).start()
    time.sleep(0.2)
    decode(decoders, small)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    sys.stdin.read()
"""


def exists(process: int) -> bool:
    """Whether it runs; one that has ended and that nobody has asked after does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None])
def test_no_process_outlives_its_parent(tmp_path: Path, how: signal.Signals | None) -> None:
    """Neither one that waits nor one that works."""
    for name, content in (("small", PICTURES["grey"]), ("slow", ENDLESS)):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "parent.py").write_text(_PARENT)
    with subprocess.Popen(
        [sys.executable, tmp_path / "parent.py", tmp_path / "small", tmp_path / "slow"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as parent:  # fmt: skip
        assert parent.stdout
        children = [int(process) for process in parent.stdout.readline().split()]
        assert len(children) == 2
        assert all(map(exists, children))
        if how:
            parent.send_signal(how)
        elif parent.stdin:
            parent.stdin.close()
        assert parent.wait(10) == (-how if how else 0)
    until(lambda: not any(map(exists, children)), within=20)
