"""Searches for what is embedded already, in processes of their own.

A search is a hundred small steps, and each lets go of the interpreter's lock and wants it back.
Where several threads of one process do that, two thirds of their time go into waiting for each
other.
"""

import asyncio
import contextlib
import multiprocessing
import pickle
import signal
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.context import SpawnProcess
from pathlib import Path

from lookgraph.errors import LookgraphError
from lookgraph.interfaces.rest.questions import Asked, answer
from lookgraph.library import Library
from lookgraph.queries import PictureId

_READY = b"ready"
_LENGTH = struct.Struct(">I")
_GRACE_SECONDS = 5.0
"""A process that nobody asks any more has so long to end."""


class Searchers:
    """Processes that each have the library open and answer one question at a time.

    Who asks while none is ready, or asks what one does not answer, has to ask the library itself.

    Attributes:
        ready: how many can be asked.
    """

    def __init__(self, count: int, folder: Path) -> None:
        """None is started yet.

        Args:
            count: how many processes.
            folder: the library's own.
        """
        self._count = count
        self._folder = folder
        self.ready = 0
        self._waiting: asyncio.Queue[tuple[Asked, asyncio.Future[bytes]]] = asyncio.Queue()

    async def answer(self, asked: Asked) -> bytes:
        """As `lookgraph.interfaces.rest.questions.answer`; empty: the library is to be asked.

        Args:
            asked: for what; it is embedded.
        """
        if not self.ready:
            return b""
        told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((asked, told))
        return await told

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The processes run until the end of the block; it does not wait for them to start."""
        keeping = [asyncio.create_task(self._keep()) for _ in range(self._count)]
        try:
            yield
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)

    async def _keep(self) -> None:
        """Have one process; another, if it ends. One that does not even start has no successor."""
        was_ready = True
        while was_ready:
            was_ready = False
            ours, its = socket.socketpair()
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            process = _start(its, self._folder)
            try:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                    await reader.readexactly(len(_READY))
                    was_ready = True
                    await self._relay(reader, writer)
            finally:
                writer.close()  # which ends it
                await asyncio.to_thread(_end, process)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ask one process all that waits, until it ends."""
        self.ready += 1
        try:
            while True:
                asked, told = await self._waiting.get()
                if told.done():
                    continue  # who asked has given up
                found = b""
                try:
                    found = await _ask(reader, writer, asked)
                finally:
                    if not told.done():
                        told.set_result(found)
        finally:
            self.ready -= 1
            while not self.ready and not self._waiting.empty():
                _, told = self._waiting.get_nowait()
                if not told.done():
                    told.set_result(b"")


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: Asked) -> bytes:
    sent = pickle.dumps(asked)
    writer.write(_LENGTH.pack(len(sent)) + sent)
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return await reader.readexactly(length)


def _start(its: socket.socket, folder: Path) -> SpawnProcess:
    context = multiprocessing.get_context("spawn")  # a fork would have the threads' locks
    process = context.Process(
        target=_work, args=(its, folder), name="lookgraph-searcher", daemon=True
    )
    process.start()
    its.close()  # so that reading from ours ends when the process does
    return process


def _end(process: SpawnProcess) -> None:
    process.join(_GRACE_SECONDS)
    process.kill()
    process.join()


# In the process


def _work(end: socket.socket, folder: Path) -> None:
    """Answer what comes until nobody is there any more."""
    for told_to_all in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told_to_all, signal.SIG_IGN)  # ours decides when this one ends
    with Library.open(folder, at=folder) as library, end, contextlib.suppress(OSError):
        _warm(library)
        end.sendall(_READY)
        while head := end.recv(_LENGTH.size, socket.MSG_WAITALL):
            sent = end.recv(_LENGTH.unpack(head)[0], socket.MSG_WAITALL)
            found = _answer(library, pickle.loads(sent))  # noqa: S301 - of our own process
            end.sendall(_LENGTH.pack(len(found)) + found)


def _warm(library: Library) -> None:
    """The first search checks the files of index and graph, which takes a while."""
    with contextlib.suppress(LookgraphError):
        for entry in library.pictures(most=1):
            if entry.picture:
                library.search(PictureId(entry.picture.id))


def _answer(library: Library, asked: Asked) -> bytes:
    try:
        with library.store.at_once():
            return answer(library, asked)
    except LookgraphError:
        return b""  # who asks the library itself is told
