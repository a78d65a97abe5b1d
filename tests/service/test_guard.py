"""Who may ask the service, how much, and what becomes of what is hostile."""

import socket
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs_module

for needed in ("fastapi", "uvicorn", "prometheus_client", "httpx"):
    needs_module(needed)

from tests.e2e.commands import lookgraph  # noqa: E402
from tests.pictures import drawn, save  # noqa: E402
from tests.service.running import Running, serving  # noqa: E402

TOKEN = "correct horse battery staple"
ID = "0" * 64
ROUTES = [
    ("GET", "/v1/search"), ("POST", "/v1/search"), ("GET", "/v1/images"),
    ("GET", f"/v1/images/{ID}"), ("GET", f"/v1/images/{ID}/thumbnail"),
    ("GET", f"/v1/images/{ID}/original"), ("GET", f"/v1/images/{ID}/neighbours"),
    ("GET", "/v1/path"), ("GET", "/v1/groups"), ("GET", "/v1/duplicates"),
    ("GET", "/v1/verdicts"), ("PUT", "/v1/verdicts"), ("DELETE", f"/v1/verdicts/{ID}/{ID}"),
    ("POST", "/v1/jobs"), ("GET", "/v1/jobs"), ("GET", "/v1/jobs/0123456789abcdef"),
    ("GET", "/v1/jobs/0123456789abcdef/events"), ("GET", "/v1/status"), ("GET", "/v1/metrics"),
    ("GET", "/v1/openapi.json"), ("GET", "/nothing"),
]  # fmt: skip


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guarded") / "pictures"
    for seed in range(6):
        save(drawn(seed), folder / f"{seed}.png")
    lookgraph("index", folder)
    return folder


@pytest.fixture(scope="module")
def guarded(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text(TOKEN + "\n")
    with serving(shelf, "--host", "0.0.0.0", "--token-file", str(file)) as running:
        yield running


@pytest.fixture(scope="module")
def service(shelf: Path) -> Iterator[Running]:
    with serving(shelf, "--max-upload", "1") as running:
        yield running


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert set(problem) == {"type", "title", "status", "detail"}
    return problem


def test_the_routes_that_are_tried_are_all_there_are(guarded: Running) -> None:
    with guarded.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        described = client.get("/v1/openapi.json").json()["paths"]
    told = {
        (method.upper(), path.replace("{id}", ID).replace("{first}", ID).replace("{second}", ID)
         .replace("{job}", "0123456789abcdef"))
        for path, methods in described.items()
        for method in methods
    }  # fmt: skip
    assert told - set(ROUTES) == {("GET", "/v1/health"), ("GET", "/v1/ready")}


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_without_the_token_no_route_answers(guarded: Running, route: tuple[str, str]) -> None:
    with guarded.client() as client:
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": f"Bearer {TOKEN[:-1]}"},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer \u00ff".encode("latin-1")},
        ):
            answer = client.request(*route, headers=headers)  # type: ignore[arg-type]
            is_problem(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"
        right = client.request(*route, headers={"Authorization": f"Bearer {TOKEN}"})
        assert right.status_code != 401


def test_an_address_that_others_reach_needs_a_token(shelf: Path, tmp_path: Path) -> None:
    said = lookgraph("serve", "--library", shelf, "--host", "0.0.0.0", code=2).err
    assert "--token-file" in said
    (tmp_path / "token").write_text("\n")
    empty = ("--token-file", tmp_path / "token")
    said = lookgraph("serve", "--library", shelf, "--host", "0.0.0.0", *empty, code=2).err
    assert "is empty" in said


def test_other_names_and_other_pages_may_not_ask(service: Running) -> None:
    port = service.url.rpartition(":")[2]
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", ""):
        is_problem(service.get("/v1/status", headers={"Host": host}), 403)
    for host in (f"localhost:{port}", "127.0.0.1", "[::1]", f"[::1]:{port}"):
        assert service.get("/v1/status", headers={"Host": host}).status_code == 200
    foreign = {"Origin": "https://evil.example"}
    is_problem(service.post("/v1/jobs", json={}, headers=foreign), 403)
    is_problem(service.post("/v1/search", files={"picture": b"x"}, headers={"Origin": "null"}), 403)
    answer = service.get("/v1/status", headers=foreign)
    assert "access-control-allow-origin" not in answer.headers


def test_pages_that_were_allowed_may_ask(shelf: Path) -> None:
    page = {"Origin": "https://shop.example"}
    asks = {**page, "Access-Control-Request-Method": "PUT"}
    with serving(shelf, "--origin", "https://shop.example") as service:
        preflight = service.request("OPTIONS", "/v1/verdicts", headers=asks)
        assert preflight.status_code == 200
        answer = service.get("/v1/status", headers=page)
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert service.post("/v1/jobs", json={}, headers=page).status_code == 202
        foreign = {"Origin": "https://shop.example.evil.example"}
        assert service.post("/v1/jobs", json={}, headers=foreign).status_code == 403
        told = service.get("/v1/status", headers=foreign).headers
        assert "access-control-allow-origin" not in told


@pytest.mark.parametrize(
    "trick",
    ["../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "/etc/passwd", "%00", "0.png", "~", "a" * 63,
     "A" * 64, "0" * 65, ID[:-1] + "%0a", "C:%5cwindows"],
)  # fmt: skip
def test_no_path_comes_from_a_request(service: Running, trick: str) -> None:
    for path in (
        f"/v1/images/{trick}", f"/v1/images/{trick}/thumbnail", f"/v1/images/{trick}/original",
        f"/v1/images/{trick}/neighbours", f"/v1/search?id={trick}", f"/v1/search?without={trick}",
        f"/v1/path?source={trick}&target={trick}",
    ):  # fmt: skip
        answer = service.get(path)
        assert answer.status_code in (404, 422), (path, answer.text)
        assert "root:" not in answer.text
    with service.client() as client:
        assert client.delete(f"/v1/verdicts/{trick}/{trick}").status_code in (404, 405, 422)
        said = {"first": trick, "second": trick, "kind": "same"}
        is_problem(client.put("/v1/verdicts", json=said), 422)
    for asked in ({"under": f"../{trick}"}, {"under": "/etc"}, {"after": "////"}):
        answer = service.get("/v1/images", params=asked)
        assert answer.status_code == 422 or answer.json()["files"] == []


def bomb() -> bytes:
    """A PNG of 30,000 x 30,000 pixels in 900 kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return len(data).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")

    side = (30_000).to_bytes(4, "big")
    rows = zlib.compress(bytes(30_001 * 3_000), 9)
    head = chunk(b"IHDR", side + side + b"\x08\x00\x00\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_hostile_uploads_are_refused_and_the_service_goes_on(service: Running, shelf: Path) -> None:
    whole = (shelf / "0.png").read_bytes()
    hostile = [
        b"", b"x", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"GIF89a", bomb(),
        whole[: len(whole) // 2], b"\xff\xd8\xff" + bytes(5000), b"RIFF\xff\xff\xff\xffWEBP",
    ]  # fmt: skip
    for sent in hostile:
        is_problem(service.post("/v1/search", files={"picture": sent}), 422)
    polyglot = whole + b"<script>alert(1)</script>"
    answer = service.post("/v1/search", files={"picture": ("x.html", polyglot, "text/html")})
    assert answer.status_code in (200, 422)
    assert answer.headers["content-type"].startswith("application/")
    assert service.post("/v1/search", files={"picture": whole}).status_code == 200


def test_what_is_too_much_is_refused(service: Running) -> None:
    is_problem(service.post("/v1/search", files={"picture": bytes(2**21)}), 413)
    is_problem(service.get("/v1/search", params={"id": ID, "k": 10**6}), 422)
    is_problem(service.get("/v1/search", params={"id": [ID] * 17}), 422)
    is_problem(service.get("/v1/search"), 422)
    is_problem(service.post("/v1/search", data={"picture": "no file"}), 422)
    is_problem(service.post("/v1/jobs", content=b"{", headers={"content-type": "x/y"}), 422)
    is_problem(service.get("/v1/nothing"), 404)
    is_problem(service.post("/v1/status"), 405)

    def chunks() -> Iterator[bytes]:
        for _ in range(64):
            yield bytes(2**16)

    is_problem(service.post("/v1/jobs", content=chunks()), 413)


def test_a_large_body_that_comes_slowly_holds_nobody_up(service: Running, shelf: Path) -> None:
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    slow = []
    for _ in range(8):
        connection = socket.create_connection((host, int(port)))
        connection.sendall(
            b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        )
        slow.append(connection)
    began = time.monotonic()
    assert service.get("/v1/status").status_code == 200
    assert time.monotonic() - began < 5
    huge = socket.create_connection((host, int(port)))
    huge.sendall(
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000000\r\n\r\n"
    )
    assert b" 413 " in huge.recv(1000)
    for connection in [*slow, huge]:
        connection.close()


def test_no_answer_waits_for_an_acknowledgement(service: Running) -> None:
    with service.client() as client:
        client.get("/v1/health")
        spent = []
        for _ in range(20):
            began = time.monotonic()
            client.get("/v1/health")
            spent.append(time.monotonic() - began)
    assert sorted(spent)[5] < 0.03  # of a delayed acknowledgement, all would take 0.04


def test_what_is_under_way_is_finished_when_the_service_is_told_to_end(shelf: Path) -> None:
    whole = (shelf / "1.png").read_bytes()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
        + whole + b"\r\n--x--\r\n"
    )  # fmt: skip
    with serving(shelf) as service:
        host, _, port = service.url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(
                b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body[:100]
            )
            time.sleep(0.3)
            service.process.terminate()
            time.sleep(0.3)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, int(port)), timeout=5).close()
            connection.sendall(body[100:])
            answer = b""
            while got := connection.recv(65536):
                answer += got
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"1.png"' in answer
        assert service.wait() in (0, -15)


def test_a_hundred_clients_while_somebody_indexes(shelf: Path, tmp_path: Path) -> None:
    import shutil

    own = Path(shutil.copytree(shelf, tmp_path / "own"))
    with serving(own) as service:
        id_ = service.get("/v1/images").json()["files"][0]["id"]
        for seed in range(20, 40):
            save(drawn(seed), own / f"{seed}.png")
        assert service.post("/v1/jobs", json={}).status_code == 202
        statuses: list[int] = []

        def ask() -> None:
            with service.client() as client:
                for _ in range(5):
                    answer = client.get("/v1/search", params={"id": id_})
                    statuses.append(answer.status_code)
                    if answer.status_code == 200:
                        assert answer.json()["hits"][0]["id"] == id_
                    else:
                        assert answer.headers["retry-after"] == "1"

        threads = [threading.Thread(target=ask) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(statuses) == 500
        assert set(statuses) <= {200, 429, 503}
        assert statuses.count(200) > 100
        while service.get("/v1/jobs").json()["jobs"][0]["state"] == "running":
            time.sleep(0.1)
        assert service.get("/v1/status").json()["pictures"] == 26


def sent_until_cut_off(service: Running, head: bytes, piece: bytes, pause: float) -> bytes:
    """Send a head, and pieces of a body until nobody takes them; gives the answer."""
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n")
        connection.settimeout(pause or 0.0005)
        answer, sent, end = b"", 0, time.monotonic() + 30
        while sent < 2 * 10**9:
            assert time.monotonic() < end
            try:
                while got := connection.recv(65536):
                    answer += got
                return answer  # they have hung up
            except TimeoutError:
                pass
            except ConnectionError:
                return answer
            try:
                connection.settimeout(30)
                connection.sendall(piece)
                sent += len(piece)
            except ConnectionError:
                return answer
            finally:
                connection.settimeout(pause or 0.0005)
    raise AssertionError("two gigabytes were taken")


_FORM = b"Content-Type: multipart/form-data; boundary=x\r\n"
_PART = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def peak_of(service: Running) -> int:
    """The most memory that the service has had, in kB."""
    told = Path(f"/proc/{service.process.pid}/status")
    if not told.exists():
        pytest.skip("there is no /proc here")
    (line,) = (line for line in told.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


def test_two_gigabytes_are_cut_off_and_kept_nowhere(service: Running) -> None:
    announced = _FORM + b"Content-Length: 2000000000\r\n"
    assert b" 413 " in sent_until_cut_off(service, announced, bytes(10_000), 0.01)
    before = peak_of(service)
    unannounced = _FORM + b"Transfer-Encoding: chunked\r\n"
    service.get("/v1/status")
    for part in (_PART, b""):  # as a file, and as what is no form at all
        head = unannounced + b"\r\n" + chunked(part + bytes(100))[:-2]
        answer = sent_until_cut_off(service, head, chunked(bytes(100_000)), 0)
        assert b" 413 " in answer or b" 400 " in answer or b" 422 " in answer
        assert b"Traceback" not in answer
    assert peak_of(service) - before < 20_000
    assert service.get("/v1/status").status_code == 200
