"""Decoding in processes of their own: a hostile picture may end one of them, and no more.

A decoder reads a file's bytes from a pipe and writes back pixels. It ends itself when a picture
takes too long, by a timer of the kernel's that no code of a decoder's can hold up, and it cannot
take more memory than it is allowed.
"""

import contextlib
import io
import json
import multiprocessing
import os
import pickle
import queue
import signal
import socket
import struct
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import IO

import numpy as np

from lookgraph.errors import LookgraphError
from lookgraph.ingest.decode import HEAD_BYTES, Decoded, UnusableError, decode, reasons, sniff
from lookgraph.types import Pixels, Prepares, SkipKind

_START_SECONDS = 60.0
"""A decoder that has not started after these never will: mostly it takes half a second."""

_GRACE_SECONDS = 1.0
"""A decoder that has not ended itself so long after it should have is ended: it was stopped."""

_MEMORY = Path("/proc/self/statm")
"""What a process has, in pages (proc_pid_statm(5)); Linux alone tells it in this way."""


class DecodersError(LookgraphError):
    """No decoder is to be had, which is not the picture's fault."""


class Decoders:
    """Processes that decode pictures; each starts when it is first needed.

    Any number of threads may use them at once.
    """

    def __init__(self, count: int, seconds: float = 10.0, bytes_each: int = 2 * 2**30) -> None:
        """No process is started yet.

        Args:
            count: how many processes there are at most, at least 1.
            seconds: that a picture may take to be decoded, and its caller may wait before that.
            bytes_each: of memory that a process may take beside what it starts with; on Linux.
        """
        self._seconds = seconds
        self._all = [_Decoder(seconds, bytes_each) for _ in range(count)]
        # The last one used is the next: as few are started as are needed.
        self._free: queue.LifoQueue[_Decoder] = queue.LifoQueue()
        for decoder in self._all:
            self._free.put(decoder)

    def decode(self, file: IO[bytes], side: int) -> Decoded:
        """Decode a picture as `lookgraph.ingest.decode.decode` does.

        Args:
            file: open for reading in binary, anywhere in it. Its whole content is read.
            side: the pixels that are wanted on the shorter side, at least.

        Raises:
            UnusableError: with the reason; also if it takes too long or ends its decoder.
            DecodersError: none was free for too long, none can be started, or they are closed.
        """
        from PIL import Image

        made = self._ask(file, _Wanted(side))
        image = Image.frombytes("RGB", (made.across, made.down), made.pixels)
        return Decoded(image, made.format, made.width, made.height, made.taken)

    def prepared(self, file: IO[bytes], side: int, prepare: Prepares) -> Pixels:
        """What a network sees of a picture; as `decode` in everything else.

        It is prepared in the decoder too: a photograph as it was decoded is twenty times as much
        to hand over.

        Args:
            file: as for `decode`; so is the next.
            side: likewise.
            prepare: what makes of a picture what the network sees.
        """
        made = self._ask(file, _Wanted(side, prepare))
        return np.frombuffer(made.pixels, np.uint8).reshape(made.down, made.across, 3)

    def _ask(self, file: IO[bytes], wanted: "_Wanted") -> "_Made":
        file.seek(0)
        if sniff(file.read(HEAD_BYTES)) is None:
            decode(file, wanted.side)  # says so; nothing of it is decoded
        try:
            decoder = self._free.get(timeout=self._seconds)
        except queue.Empty:
            waited = f"No decoder was free for {self._seconds:g} seconds"
            raise DecodersError(f"{waited}. Try again later.") from None
        try:
            file.seek(0)
            return decoder.ask(file.read(), wanted)
        finally:
            self._free.put(decoder)

    def close(self) -> None:
        """End all processes, also those at work: who waits for one is told `DecodersError`."""
        for decoder in self._all:
            decoder.close()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a decoder is to make of a picture.

    Attributes:
        side: the pixels that are wanted on the shorter side, at least.
        prepare: what makes of it what a network sees; None if the picture itself is wanted.
    """

    side: int
    prepare: Prepares | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    """What a decoder has made of a picture.

    Attributes:
        pixels: of what was wanted, RGB, row by row.
        across: how many there are in a row.
        down: how many rows.
        format: of the picture, as in `Decoded`; so are the others.
        width: likewise.
        height: likewise.
        taken: likewise.
    """

    pixels: bytes
    across: int
    down: int
    format: str
    width: int
    height: int
    taken: str | None


@dataclass(frozen=True, slots=True)
class _Running:
    """A process that has been started, and our end of the pipe to it."""

    process: SpawnProcess
    pipe: "Connection[bytes, bytes]"

    def end(self) -> None:
        # The pipe is closed with the last who holds it: another thread may be reading from it.
        self.process.kill()
        self.process.join(_GRACE_SECONDS)


class _Decoder:
    """One process, which starts when it is needed, and again after it has ended.

    One thread at a time uses it, but any may close it.
    """

    def __init__(self, seconds: float, bytes_each: int) -> None:
        self._seconds = seconds
        self._bytes_each = bytes_each
        self._running: _Running | None = None
        self._closed = False
        self._changing = threading.Lock()

    def ask(self, content: bytes, wanted: _Wanted) -> _Made:
        running = self._started()
        try:
            answer = _ask(running.pipe, content, wanted)
        except (EOFError, OSError) as error:
            self._end(running)
            raise self._why(running, error) from None
        except BaseException:
            self._end(running)  # or it would give its answer to whoever asks next
            raise
        if isinstance(answer, UnusableError):
            raise answer
        return answer

    def close(self) -> None:
        with self._changing:
            self._closed = True
            running = self._running
        if running:
            running.end()

    def _end(self, running: _Running) -> None:
        running.end()
        self._running = None

    def _why(self, running: _Running, error: Exception) -> LookgraphError:
        """Why there is no answer from a process that has ended."""
        if self._closed:
            return _closed()
        if running.process.exitcode == -signal.SIGALRM or isinstance(error, BlockingIOError):
            reason = f"it takes more than {self._seconds:g} seconds to decode"
            return UnusableError(SkipKind.TOO_LARGE, reason)
        return UnusableError(SkipKind.DAMAGED, "decoding it ended the decoder")

    def _started(self) -> _Running:
        """The process, ready for a picture."""
        with self._changing:
            if self._closed:
                raise _closed()
            if self._running and self._running.process.is_alive():
                return self._running
            running = self._running = _start(self._seconds, self._bytes_each)
        try:
            if running.pipe.poll(_START_SECONDS):
                running.pipe.recv_bytes()
                return running
        except (EOFError, OSError):
            pass  # it has ended: what follows says so
        self._end(running)
        raise _closed() if self._closed else DecodersError("A decoder ended while it started.")


def _closed() -> DecodersError:
    return DecodersError("The decoders are closed.")


def _start(seconds: float, bytes_each: int) -> _Running:
    context = multiprocessing.get_context("spawn")  # a fork would have the threads' locks
    try:
        ours, its = context.Pipe()
        _give_up_after(ours, seconds + _GRACE_SECONDS)
        process = context.Process(
            target=_work, args=(its, seconds, bytes_each), name="lookgraph-decoder", daemon=True
        )
        process.start()
    except OSError as error:
        raise DecodersError(f"No decoder can be started: {error.strerror or error}.") from error
    its.close()  # so that reading from ours ends when the process does
    return _Running(process, ours)


def _give_up_after(pipe: "Connection[bytes, bytes]", seconds: float) -> None:
    """Have every read and write that takes longer raise BlockingIOError (socket(7))."""
    limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))
    with socket.socket(fileno=os.dup(pipe.fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def _ask(
    pipe: "Connection[bytes, bytes]", content: bytes, wanted: _Wanted
) -> _Made | UnusableError:
    """Send a picture and read what becomes of it; `_answer` writes it.

    What we send is pickled. What comes back is not, as it comes from where a picture may have
    taken over.
    """
    pipe.send_bytes(pickle.dumps(wanted))
    pipe.send_bytes(content)
    told = json.loads(pipe.recv_bytes())
    pixels = pipe.recv_bytes()
    if "reason" in told:
        return UnusableError(SkipKind(told["kind"]), told["reason"])
    return _Made(pixels=pixels, **told)


# In the process


def _work(pipe: "Connection[bytes, bytes]", seconds: float, bytes_each: int) -> None:
    """Decode what comes until nobody is there any more."""
    from PIL import Image

    # Ctrl-C goes to all processes of a terminal; ours decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Image.init()
    _limit_memory(bytes_each)
    with contextlib.suppress(EOFError, OSError):  # the other end of the pipe is gone
        pipe.send_bytes(b"ready")
        while True:
            wanted, content = pickle.loads(pipe.recv_bytes()), pipe.recv_bytes()  # noqa: S301 - ours
            signal.setitimer(signal.ITIMER_REAL, seconds)  # SIGALRM ends this process
            told, pixels = _answer(content, wanted)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send_bytes(told)
            pipe.send_bytes(pixels)


def _limit_memory(bytes_each: int) -> None:
    if not _MEMORY.exists():
        return
    import resource

    has = int(_MEMORY.read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    set_already = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([has + bytes_each, *set_already]), hard))


def _answer(content: bytes, wanted: _Wanted) -> tuple[bytes, bytes]:
    """What is told of a picture, as JSON, and the pixels."""
    try:
        with reasons():
            decoded = decode(io.BytesIO(content), wanted.side)
            if wanted.prepare is None:
                (across, down), pixels = decoded.image.size, decoded.image.tobytes()
            else:
                seen = wanted.prepare(decoded.image)
                (down, across), pixels = seen.shape[:2], seen.tobytes()
    except UnusableError as error:
        told = {"kind": error.skip.kind, "reason": error.skip.reason}
        return json.dumps(told).encode(), b""
    told_of = {
        "across": across,
        "down": down,
        "format": decoded.format,
        "width": decoded.width,
        "height": decoded.height,
        "taken": decoded.taken,
    }
    return json.dumps(told_of).encode(), pixels
