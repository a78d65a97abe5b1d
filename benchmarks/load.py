"""A cheap client for HTTP/1.1: what it takes is missing where the service runs beside it."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Load:
    """What a service was asked, and how it bore that.

    Attributes:
        seconds: from the first question to the last answer.
        spent: seconds of each, from when it was due to its answer's last byte.
        client: seconds of processor that asking took.
    """

    seconds: float
    spent: Sequence[float]
    client: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.spent) / self.seconds


def get(path: str) -> bytes:
    """A request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post_file(path: str, content: bytes) -> bytes:
    """A request that sends a file as the form's ``picture``."""
    body = (
        b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
        + content
        + b"\r\n--x--\r\n"
    )
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    return head.encode() + body


def by_clients(url: str, requests: Sequence[bytes], clients: int) -> Load:
    """Ask all, each client the next as soon as it has its answer."""

    async def ask(connections: "Sequence[_Connection]") -> list[float]:
        todo = iter(requests)
        spent: list[float] = []
        await asyncio.gather(*(_in_turn(one, todo, spent) for one in connections))
        return spent

    return _measured(url, clients, ask)


def at_rate(url: str, requests: Sequence[bytes], rate: float, connections: int = 24) -> Load:
    """Ask all when they are due, however long answers take: at random, so many a second."""
    generator = random.Random(0)

    async def ask(opened: "Sequence[_Connection]") -> list[float]:
        free: asyncio.Queue[_Connection] = asyncio.Queue()
        for one in opened:
            free.put_nowait(one)
        spent: list[float] = []

        async def answer(request: bytes, due: float) -> None:
            one = await free.get()
            await one.ask(request)
            free.put_nowait(one)
            spent.append(time.perf_counter() - due)

        due, asked = time.perf_counter(), []
        for request in requests:
            due += generator.expovariate(rate)
            await asyncio.sleep(due - time.perf_counter())
            asked.append(asyncio.create_task(answer(request, due)))
        await asyncio.gather(*asked)
        return spent

    return _measured(url, connections, ask)


def _measured(
    url: str, clients: int, ask: "Callable[[Sequence[_Connection]], Awaitable[list[float]]]"
) -> Load:
    async def run() -> Load:
        address = urlsplit(url)
        assert address.hostname
        assert address.port
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(_Connection, address.hostname, address.port)
            for _ in range(clients)
        ]
        began, used = time.perf_counter(), time.process_time()
        spent = await ask([one for _, one in made])
        load = Load(time.perf_counter() - began, spent, time.process_time() - used)
        for transport, _ in made:
            transport.close()
        return load

    return asyncio.run(run())


async def _in_turn(one: "_Connection", todo: Iterator[bytes], spent: list[float]) -> None:
    for request in todo:
        began = time.perf_counter()
        await one.ask(request)
        spent.append(time.perf_counter() - began)


class _Connection(asyncio.Protocol):
    """One connection, kept open, that asks one thing at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._arrived = bytearray()
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def ask(self, request: bytes) -> bytes:
        """Send a request; gives the answer's body.

        Raises:
            RuntimeError: the answer is not 200.
        """
        assert self._transport
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        head = self._arrived.find(b"\r\n\r\n") + 4
        if head < 4 or self._answer is None:
            return
        told = _LENGTH.search(self._arrived, 0, head)
        assert told, bytes(self._arrived[:head])
        if len(self._arrived) < head + int(told[1]):
            return
        whole = bytes(self._arrived)
        self._arrived.clear()
        if whole[9:12] == b"200":
            self._answer.set_result(whole[head:])
        else:
            self._answer.set_exception(RuntimeError(whole.decode(errors="replace")))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("The service has hung up."))
