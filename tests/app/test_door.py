"""Who may come in."""

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.app.running import looking, running
from tests.conftest import needs_module
from tests.e2e.commands import lookgraph

if TYPE_CHECKING:
    from playwright.sync_api import Browser

streamlit = needs_module("streamlit")

pytestmark = pytest.mark.slow

_SECRET = "a secret; with, odd=letters"
_PICTURE = b"\xff\xd8\xff"


def test_another_address_needs_a_token(shown: Path) -> None:
    done = lookgraph("app", shown, "--host", "0.0.0.0", "--port", "0", code=2)
    assert "token" in done.err


def test_with_a_token_only_who_brings_it_comes_in(
    shown: Path, browser: "Browser", tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(_SECRET + "\n")
    with running(shown, "--host", "0.0.0.0", "--token-file", file) as told:
        address = f"http://127.0.0.1:{httpx.URL(told).port}"
        for path in ("/", "/graph", f"/shown/{'0' * 64}", "/_stcore/host-config", "/?token=wrong"):
            assert httpx.get(address + path).status_code == 401, path
        assert httpx.post(address + "/shown", content=_PICTURE).status_code == 401
        cookie = {"Cookie": "lookgraph=wrong"}
        assert httpx.get(address, headers=cookie).status_code == 401
        with looking(browser, address) as page:
            page.goto("/?token=" + httpx.QueryParams({"t": _SECRET})["t"].replace(" ", "%20"))
            page.wait_for_selector(".tile img")  # the web socket was let in, too
            assert "token" not in page.url
            page.goto("/library")
            page.wait_for_selector(".facts")


def test_the_web_socket_is_refused_without_a_token(shown: Path) -> None:

    with running(shown, env={"LOOKGRAPH_TOKEN": _SECRET}) as address:
        socket = address.replace("http", "ws") + "_stcore/stream"
        with pytest.raises(InvalidStatus) as refused:
            connect(socket)
        assert refused.value.response.status_code == 403


def test_the_app_may_have_any_name_for_those_who_have_the_token(shown: Path) -> None:
    with running(shown, "--host", "0.0.0.0", env={"LOOKGRAPH_TOKEN": "secret"}) as address:

        def open_from(origin: str) -> None:
            here = socket.create_connection(("127.0.0.1", httpx.URL(address).port or 80))
            cookie = {"Cookie": "lookgraph=secret"}
            with here, connect(
                "ws://pictures.example/_stcore/stream", sock=here, origin=Origin(origin),
                additional_headers=cookie, subprotocols=[Subprotocol("streamlit")],
            ):  # fmt: skip
                pass

        open_from("https://pictures.example")
        with pytest.raises(InvalidStatus):
            open_from("https://evil.example")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil"])
def test_other_names_are_refused(address: str, host: str) -> None:
    answer = httpx.get(address, headers={"Host": host})
    assert answer.status_code == 403
    assert httpx.get(address, headers={"Host": "localhost:1"}).status_code == 200


def test_other_pages_may_neither_send_nor_open_a_socket(address: str) -> None:

    headers = {"Origin": "https://evil.example"}
    assert httpx.post(f"{address}shown", content=_PICTURE, headers=headers).status_code == 403
    with pytest.raises(InvalidStatus):
        connect(address.replace("http", "ws") + "_stcore/stream", additional_headers=headers)


def test_a_page_may_ask_no_other_host(address: str) -> None:
    policy = httpx.get(address).headers["content-security-policy"]
    assert policy.startswith("default-src 'self' ")
    assert "http" not in policy
    assert "*" not in policy


def test_scripts_and_styles_come_as_streamlit_has_them_and_may_be_kept(address: str) -> None:
    page = httpx.get(address).text
    named = re.findall(r'(?:href|src)="\./(static/[^"]+)"', page)
    assert len(named) > 20
    folder = Path(str(streamlit.__file__)).parent / "static"
    kinds = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
    for name in named:
        answer = httpx.get(address + name)
        assert answer.content == (folder / name).read_bytes(), name
        told = answer.headers
        assert "immutable" in told["cache-control"], name
        assert told["content-type"].partition(";")[0] == kinds[Path(name).suffix], name
        assert told["x-content-type-options"] == "nosniff"
    assert httpx.head(address + named[0]).status_code == 200


@pytest.mark.parametrize("path", [
    "static/../index.html", "static/%2e%2e/index.html", "static/js/../../../version.py",
    "static//etc/passwd", "static/js/none.js", "static/",
])  # fmt: skip
def test_nothing_else_lies_beside_them(address: str, path: str) -> None:
    host, port = httpx.URL(address).host, httpx.URL(address).port
    with socket.create_connection((host, port or 80)) as raw:
        raw.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(1 << 16), b""))
    assert b"root:" not in answer
    assert b"import" not in answer.split(b"<html")[0]


def test_too_much_is_not_taken(address: str) -> None:
    def much() -> "Iterator[bytes]":
        for _ in range(70):
            yield b"\0" * 2**20

    host, port = httpx.URL(address).host, httpx.URL(address).port
    with socket.create_connection((host, port or 80)) as raw:
        raw.sendall(
            f"POST /shown HTTP/1.1\r\nHost: {host}\r\nContent-Length: {2**31}\r\n\r\n".encode()
        )
        assert b" 413 " in raw.recv(1000)
    with contextlib.suppress(httpx.TransportError):  # or it is cut off
        assert httpx.post(f"{address}shown", content=much()).status_code in (400, 413)
    assert httpx.get(f"{address}_stcore/health").status_code == 200


@pytest.mark.parametrize("path", [
    "shown/../../etc/passwd", "shown/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "shown/hat",
    f"shown/{'0' * 64}?side=321", f"shown/{'0' * 64}?side=../1", "shown/C:\\Windows\\win.ini",
])  # fmt: skip
def test_no_path_comes_from_a_request(address: str, path: str) -> None:
    answer = httpx.get(address + path)
    assert answer.status_code in (400, 404) or "root:" not in answer.text
    assert not re.search("image/", answer.headers.get("content-type", ""))


def test_pictures_come_as_pictures_and_nothing_else(address: str) -> None:
    page = b"<html><script>alert(1)</script>"
    answer = httpx.post(f"{address}shown", content=page)
    assert answer.status_code == 422
    assert "no picture" in answer.json()["error"]
