"""Downloads from a server that cuts, lies, stalls and refuses."""

import hashlib
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookgraph.errors import DownloadError, StorageError, WeightsError
from lookgraph.models.downloads.receiving import Patience, download
from lookgraph.models.downloads.servers import wait_for
from lookgraph.models.downloads.turns import turn
from lookgraph.models.model import Published
from tests.conftest import missing
from tests.unit.models.misbehaving import (
    Handler,
    Server,
    Turn,
    answer,
    chunked,
    cut,
    endless,
    serving,
    silent,
    stall,
    well,
    whole,
    whole_but_cut,
    with_range,
    without_length,
)

CONTENT = Random(1).randbytes(1_000_003)
SIZE = len(CONTENT)
QUICK = Patience(timeout=5.0, pauses=(0.0, 0.01, 0.01), longest=0.05)
HALF = 500_000
REST = f"bytes={HALF}-"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server(CONTENT)) as started:
        yield started


@pytest.fixture
def published(server: Server) -> Published:
    return Published(server.url(), "sha256", hashlib.sha256(CONTENT).hexdigest(), SIZE)


def fetch(published: Published, folder: Path, patience: Patience = QUICK) -> Path:
    return download(published, folder, lambda here, total: None, patience)


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


DONE = {"w.pth", "w.pth.lock"}
KEPT = {"w.pth.part", "w.pth.part.json", "w.pth.lock"}


def test_a_file_comes_whole_and_nothing_else_stays(
    server: Server, published: Published, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    folder = tmp_path / "new" / "folder"

    file = download(published, folder, lambda here, total: told.append((here, total)), QUICK)

    assert file == folder / "w.pth"
    assert file.read_bytes() == CONTENT
    assert names(folder) == DONE
    assert server.ranges == [""]
    assert told[0] == (0, SIZE)
    assert told[-1] == (SIZE, SIZE)
    assert told == sorted(told)


def test_what_is_here_is_not_fetched_again(
    server: Server, published: Published, tmp_path: Path
) -> None:
    fetch(published, tmp_path)
    fetch(published, tmp_path)
    assert len(server.paths) == 1


def test_a_file_of_that_name_with_other_content_is_set_apart(
    published: Published, tmp_path: Path
) -> None:
    (tmp_path / "w.pth").write_bytes(bytes(SIZE))
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert (tmp_path / "w.pth.bad").read_bytes() == bytes(SIZE)


@pytest.mark.parametrize("known", ["md5", "head", "size unknown", "no tag"])
def test_every_kind_of_checksum_size_and_tag_will_do(
    server: Server, published: Published, tmp_path: Path, known: str
) -> None:
    if known == "md5":
        digest = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
        published = replace(published, algorithm="md5", digest=digest)
    elif known == "head":
        published = replace(published, digest=published.digest[:8])
    elif known == "size unknown":
        published = replace(published, bytes=0)
    else:
        server.tag = ""
    assert fetch(published, tmp_path).read_bytes() == CONTENT


# Connections that are cut


def test_a_cut_download_goes_on_where_it_was(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.turns = [cut(HALF)]
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["", REST]


def test_a_later_run_goes_on_where_the_first_was_cut(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.turns = [cut(HALF)]
    with pytest.raises(WeightsError, match="Run the command again to go on"):
        fetch(published, tmp_path, Patience(pauses=()))
    assert names(tmp_path) == KEPT
    assert (tmp_path / "w.pth.part").read_bytes() == CONTENT[:HALF]

    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["", REST]
    assert names(tmp_path) == DONE


def test_a_server_that_always_cuts_is_asked_as_long_as_something_comes(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.always = cut(SIZE // 10)
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert len(server.ranges) == 11


def test_a_server_that_never_gets_further_is_given_up(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.always = whole_but_cut(HALF)
    with pytest.raises(WeightsError, match="connection was closed before the end"):
        fetch(published, tmp_path)
    # Something came with the first try, so the three pauses begin after it.
    assert len(server.ranges) == 1 + len(QUICK.pauses)


@pytest.mark.parametrize("trouble", [silent, chunked(HALF), answer(503), answer(500), answer(408)])
def test_a_passing_trouble_passes(
    server: Server, published: Published, tmp_path: Path, trouble: Turn
) -> None:
    server.turns = [trouble, trouble]
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert len(server.paths) == 3


def test_after_the_last_byte_nothing_is_waited_for(
    server: Server, published: Published, tmp_path: Path
) -> None:
    """Some servers keep the connection, whatever is asked."""
    server.turns = [stall(SIZE)]
    began = time.monotonic()
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert time.monotonic() - began < QUICK.timeout
    assert server.ranges == [""]


def test_a_server_that_stalls_is_asked_again(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.turns = [stall(HALF)]
    assert fetch(published, tmp_path, replace(QUICK, timeout=0.2)).read_bytes() == CONTENT
    assert server.ranges == ["", REST]


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_strong_tag_the_rest_cannot_be_known_and_all_comes_again(
    server: Server, published: Published, tmp_path: Path, tag: str
) -> None:
    server.tag = tag
    server.turns = [cut(HALF)]
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["", ""]


def test_the_date_of_change_will_do_instead_of_a_tag(
    server: Server, published: Published, tmp_path: Path
) -> None:
    date = "Sat, 21 Nov 2026 06:00:00 GMT"

    def first(handler: Handler) -> None:
        handler.head(200, Content_Length=SIZE, Last_Modified=date)
        handler.wfile.write(CONTENT[:HALF])

    def second(handler: Handler) -> None:
        assert handler.headers["If-Range"] == date
        handler.head(206, Content_Range=f"bytes {HALF}-{SIZE - 1}/{SIZE}", Last_Modified=date)
        handler.wfile.write(CONTENT[HALF:])

    server.tag = ""
    server.turns = [first, second]
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["", REST]


@pytest.mark.parametrize(
    "liar",
    [
        whole,
        answer(416),
        with_range(f"bytes {HALF + 1}-{SIZE - 1}/{SIZE}"),
        with_range("bytes */5"),
        with_range("elsewhere"),
        with_range(""),
    ],
)
def test_where_no_right_rest_comes_it_begins_anew(
    server: Server, published: Published, tmp_path: Path, liar: Turn
) -> None:
    server.turns = [cut(HALF), liar]
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.ranges[:2] == ["", REST]
    assert server.ranges[2:] == ([] if liar is whole else [""])


def test_a_part_nobody_asked_for_is_not_taken(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.always = with_range(f"bytes 0-{SIZE - 1}/{SIZE}")
    with pytest.raises(WeightsError, match="another part than was asked for"):
        fetch(published, tmp_path)


def test_a_file_that_changes_in_between_comes_anew(
    server: Server, published: Published, tmp_path: Path
) -> None:
    def change(handler: Handler) -> None:
        server.content, server.tag = CONTENT, '"two"'
        well(handler)

    server.content = bytes(SIZE)
    server.turns = [cut(HALF), change]
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["", REST]


def test_a_rest_of_a_changed_file_is_not_put_to_the_part(
    server: Server, published: Published, tmp_path: Path
) -> None:
    """A server that does not look at If-Range, but says what it sends."""

    def change(handler: Handler) -> None:
        server.content, server.tag = CONTENT, '"two"'
        del handler.headers["If-Range"]
        well(handler)

    server.content = bytes(SIZE)
    server.turns = [cut(HALF), change]
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["", REST, ""]


@pytest.mark.parametrize(
    "about",
    [b"", b"{", b"[]", b'{"url": "http://elsewhere/w.pth", "validator": "\\"one\\""}', None],
)
def test_a_part_of_unknown_origin_is_dropped(
    server: Server, published: Published, tmp_path: Path, about: bytes | None
) -> None:
    (tmp_path / "w.pth.part").write_bytes(bytes(HALF))
    if about is not None:
        (tmp_path / "w.pth.part.json").write_bytes(about)
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [""]


def test_a_whole_part_only_needs_its_name(
    server: Server, published: Published, tmp_path: Path
) -> None:
    """The process was killed between the last byte and the rename."""
    about = {"url": published.url, "validator": '"one"'}
    (tmp_path / "w.pth.part.json").write_text(json.dumps(about))
    (tmp_path / "w.pth.part").write_bytes(CONTENT)
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.paths == []


def test_a_part_that_is_too_long_begins_anew(
    server: Server, published: Published, tmp_path: Path
) -> None:
    about = {"url": published.url, "validator": '"one"'}
    (tmp_path / "w.pth.part.json").write_text(json.dumps(about))
    (tmp_path / "w.pth.part").write_bytes(CONTENT + b"more")
    assert fetch(published, tmp_path).read_bytes() == CONTENT


@settings(max_examples=50)
@given(cuts=st.lists(st.integers(0, 4000), max_size=8), resumes=st.booleans())
def test_whatever_is_cut_the_file_is_right_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], resumes: bool
) -> None:
    content = CONTENT[:3000]
    published = Published("", "sha256", hashlib.sha256(content).hexdigest(), len(content))
    turns = [(cut if resumes else whole_but_cut)(count) for count in cuts]
    folder = tmp_path_factory.mktemp("cuts")
    with serving(Server(content, turns=turns)) as server:
        patience = Patience(pauses=(0.0,) * 9)
        assert fetch(replace(published, url=server.url()), folder, patience).read_bytes() == content


# Wrong files


def test_wrong_bytes_are_refused_and_kept_apart(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.content = b"x" + CONTENT[1:]
    found = hashlib.sha256(server.content).hexdigest()
    with pytest.raises(WeightsError) as caught:
        fetch(published, tmp_path)
    assert f"{published.url} has SHA-256 {found} instead of {published.digest}" in str(caught.value)
    assert str(tmp_path / "w.pth.bad") in str(caught.value)
    assert names(tmp_path) == {"w.pth.bad", "w.pth.lock"}
    assert (tmp_path / "w.pth.bad").read_bytes() == server.content

    server.content = CONTENT
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["", ""]  # never resumed


def test_wrong_bytes_before_the_cut_are_noticed_too(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.content = b"x" + CONTENT[1:]
    server.turns = [cut(HALF)]
    with pytest.raises(WeightsError):
        fetch(published, tmp_path, Patience(pauses=()))
    server.content = CONTENT
    with pytest.raises(WeightsError, match="instead of"):
        fetch(published, tmp_path)
    assert server.ranges == ["", REST]


@pytest.mark.parametrize("size", [0, 1234, SIZE - 1, SIZE + 1])
def test_another_length_is_refused_before_anything_is_written(
    server: Server, published: Published, tmp_path: Path, size: int
) -> None:
    server.content = bytes(size)
    with pytest.raises(WeightsError, match=f"has {size:,} bytes instead of {SIZE:,}"):
        fetch(published, tmp_path)
    assert len(server.paths) == 1
    assert names(tmp_path) == {"w.pth.lock"}


def test_a_login_page_in_between_does_not_cost_the_part(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.turns = [cut(HALF)]
    with pytest.raises(WeightsError):
        fetch(published, tmp_path, Patience(pauses=()))
    server.content, server.tag = b"<html>Please log in", '"login"'
    with pytest.raises(WeightsError, match="login page"):
        fetch(published, tmp_path)
    server.content, server.tag = CONTENT, '"one"'
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["", REST, REST]


@pytest.mark.parametrize("way", [without_length, chunked(SIZE)])
@pytest.mark.parametrize("known", [True, False])
def test_a_length_need_not_be_said(
    server: Server, published: Published, tmp_path: Path, way: Turn, known: bool
) -> None:
    server.turns = [way]
    published = replace(published, bytes=SIZE if known else 0)
    assert fetch(published, tmp_path).read_bytes() == CONTENT


def test_an_endless_file_is_cut_off(server: Server, published: Published, tmp_path: Path) -> None:
    server.always = endless
    most = [0]

    def look(here: int, total: int) -> None:
        most[0] = max(most[0], here)

    with pytest.raises(WeightsError, match=f"goes on after {SIZE:,} bytes"):
        download(published, tmp_path, look, QUICK)
    assert most[0] <= SIZE
    assert len(server.paths) == 1
    assert names(tmp_path) == {"w.pth.lock"}


def test_an_endless_file_of_unknown_size_is_cut_off_too(
    server: Server, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookgraph.models.downloads.receiving._MOST_BYTES", 1 << 20)
    server.always = endless
    with pytest.raises(WeightsError, match="goes on after 1,048,576 bytes"):
        fetch(replace(published, bytes=0), tmp_path)


# Refusals


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 451])
def test_a_refusal_is_told_at_once(
    server: Server, published: Published, tmp_path: Path, code: int
) -> None:
    server.always = answer(code)
    with pytest.raises(DownloadError, match=f"{published.url} cannot be downloaded: .* {code} "):
        fetch(published, tmp_path)
    assert len(server.paths) == 1


def test_a_server_that_stays_busy_is_given_up_with_what_to_do(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.always = answer(503)
    with pytest.raises(WeightsError) as caught:
        fetch(published, tmp_path)
    assert str(caught.value) == (
        "w.pth cannot be downloaded: the server answers 503 Service Unavailable. Run the command "
        f"again to go on. Without a network, put {published.url} at {tmp_path}/w.pth, or name a "
        "file that you have with --weights FILE."
    )
    assert len(server.paths) == 1 + len(QUICK.pauses)


@pytest.mark.parametrize("code", [429, 503])
def test_it_waits_as_long_as_the_server_asks(
    server: Server, published: Published, tmp_path: Path, code: int
) -> None:
    server.turns = [answer(code, Retry_After=1)]
    began = time.monotonic()
    fetch(published, tmp_path, replace(QUICK, longest=60.0))
    assert 1.0 <= time.monotonic() - began < 5.0


def test_it_does_not_wait_forever(server: Server, published: Published, tmp_path: Path) -> None:
    server.turns = [answer(429, Retry_After=100_000)]
    began = time.monotonic()
    fetch(published, tmp_path)
    assert time.monotonic() - began < 5.0


NOW = datetime(2026, 11, 21, 6, 0, 0, tzinfo=timezone.utc)


def test_both_forms_of_retry_after_are_understood() -> None:
    assert wait_for("120", NOW) == 120
    assert wait_for(" 7 ", NOW) == 7
    assert wait_for(format_datetime(NOW + timedelta(seconds=90), usegmt=True), NOW) == 90
    assert wait_for("Sat, 21 Nov 2026 06:00:30 -0000", NOW) == 30
    assert wait_for("Sat, 21 Nov 2026 05:00:00 GMT", NOW) == 0


@given(text=st.text(max_size=40))
def test_no_retry_after_is_too_strange(text: str) -> None:
    assert wait_for(text, NOW) >= 0


# Nobody there


def test_where_nobody_answers_it_is_told_at_once_what_to_do(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/w.pth"
    with pytest.raises(WeightsError) as caught:
        fetch(Published(url, "sha256", "00"), tmp_path, Patience(pauses=(60.0,)))
    assert str(caught.value) == (
        "w.pth cannot be downloaded: 127.0.0.1 cannot be reached (Connection refused). Without a "
        f"network, put {url} at {tmp_path}/w.pth, or name a file that you have with --weights FILE."
    )


def test_a_name_that_nobody_knows(tmp_path: Path) -> None:
    url = "http://nowhere.invalid/w.pth"
    with pytest.raises(WeightsError, match=r"nowhere\.invalid cannot be reached \(.+\)\. Without"):
        fetch(Published(url, "sha256", "00"), tmp_path, Patience(pauses=(60.0,)))


@pytest.mark.parametrize("scheme", ["file", "ftp", "data", ""])
def test_only_the_web_is_asked(tmp_path: Path, scheme: str) -> None:
    (tmp_path / "w.pth").write_bytes(CONTENT)
    published = Published(f"{scheme}://{tmp_path}/w.pth", "sha256", "00")
    with pytest.raises(WeightsError, match="on no web server"):
        fetch(published, tmp_path / "folder")


# Redirects


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed_with_the_range(
    server: Server, published: Published, tmp_path: Path, code: int
) -> None:
    server.turns = [answer(code, Location="/b"), cut(HALF), answer(code, Location="/c")]
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.paths == ["/w.pth", "/b", "/w.pth", "/c"]
    assert server.ranges == ["", "", REST, REST]


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/w.pth", "gopher://x/y"])
def test_redirects_lead_nowhere_but_to_the_web(
    server: Server, published: Published, tmp_path: Path, place: str
) -> None:
    server.always = answer(302, Location=place)
    with pytest.raises(WeightsError, match=f"answers 302 .*{place}"):
        fetch(published, tmp_path)
    assert len(server.paths) == 1


@pytest.mark.parametrize("place", ["http://[", "http://127.0.0.1:x/"])
def test_redirects_to_nonsense_are_refused(
    server: Server, published: Published, tmp_path: Path, place: str
) -> None:
    server.always = answer(302, Location=place)
    with pytest.raises(WeightsError):
        fetch(published, tmp_path)


def test_redirects_in_a_circle_end(server: Server, published: Published, tmp_path: Path) -> None:
    server.always = answer(302, Location="/w.pth")
    with pytest.raises(WeightsError, match=r"answers 302 .*infinite loop"):
        fetch(published, tmp_path)
    assert len(server.paths) < 20


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """For 127.0.0.1, with its key in the same file."""
    if not shutil.which("openssl"):
        missing("openssl")
    file = tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", tmp_path / "key.pem", "-out", file],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_bytes(file.read_bytes() + (tmp_path / "key.pem").read_bytes())
    return file


@pytest.fixture
def secure(certificate: Path, server: Server) -> Iterator[str]:
    """A secure server that sends everybody on to ``server``; its address."""

    class Forward(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", server.url())
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with http.server.HTTPServer(("127.0.0.1", 0), Forward) as httpd:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://127.0.0.1:{httpd.server_port}/w.pth"
        httpd.shutdown()
        thread.join()


def test_a_secure_server_does_not_lead_to_an_insecure_one(
    server: Server,
    published: Published,
    secure: str,
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(WeightsError, match=f"it leads to {server.url()}"):
        fetch(replace(published, url=secure), tmp_path / "folder")
    assert server.paths == []


def test_a_certificate_that_nobody_vouches_for_is_refused(
    published: Published, secure: str, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match=r"cannot be reached \(.*certificate verify failed"):
        fetch(replace(published, url=secure), tmp_path / "folder")


# The disk


def test_a_file_that_does_not_fit_is_not_begun(
    server: Server, published: Published, tmp_path: Path
) -> None:
    def huge(handler: Handler) -> None:
        handler.head(200, Content_Length=1 << 60)

    server.always = huge
    with pytest.raises(
        StorageError, match=r"bytes free, and w\.pth needs 1,152,921,504,606,846,976"
    ):
        fetch(replace(published, bytes=1 << 60), tmp_path)


def test_a_disk_that_fails_in_the_middle_is_told_and_what_came_stays(
    server: Server, published: Published, tmp_path: Path
) -> None:
    code = driver(published, tmp_path, "import resource; "
                  f"resource.setrlimit(resource.RLIMIT_FSIZE, ({HALF}, {HALF}))")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = done.stderr.splitlines()[-1]
    assert said.startswith(
        f"lookgraph.errors.StorageError: {tmp_path}/w.pth.part cannot be written"
    )
    assert "LOOKGRAPH_CACHE" in said
    assert 0 < (tmp_path / "w.pth.part").stat().st_size <= HALF

    assert fetch(published, tmp_path).read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made(published: Published, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file/folder cannot be written: Not a directory"):
        fetch(published, tmp_path / "file" / "folder")


# Processes


def driver(published: Published, folder: Path, first: str = "") -> str:
    """A program that fetches the file."""
    return (
        f"{first}\nfrom pathlib import Path\n"
        "from lookgraph.models.downloads.receiving import Patience, download\n"
        "from lookgraph.models.model import Published\n"
        f"download({published!r}, Path({str(folder)!r}), lambda here, total: None,\n"
        "         Patience(timeout=20.0, pauses=(0.1, 0.1)))\n"
        "print('done')\n"
    )


def started(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_download_goes_on(
    server: Server, published: Published, tmp_path: Path, how: signal.Signals
) -> None:
    server.turns = [stall(1000)]
    process = started(driver(published, tmp_path))
    until(lambda: size(tmp_path / "w.pth.part") == 1000)
    process.send_signal(how)
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert names(tmp_path) - {"w.pth.lock-journal"} == KEPT

    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["", "bytes=1000-"]
    assert names(tmp_path) == DONE


def test_of_two_processes_the_second_waits_and_sees_the_first_at_work(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.turns = [stall(HALF)]
    process = started(driver(published, tmp_path))
    until(lambda: size(tmp_path / "w.pth.part") == HALF)
    told: list[tuple[int, int]] = []

    def look(here: int, total: int) -> None:
        told.append((here, total))
        server.released.set()

    file = download(published, tmp_path, look, QUICK)
    assert process.communicate(timeout=20)[0] == "done\n"
    assert file.read_bytes() == CONTENT
    assert told[0] == (HALF, SIZE)
    assert server.ranges == ["", REST]  # both of the first process, which was cut by the release


def test_who_waits_goes_on_where_a_killed_holder_was(
    server: Server, published: Published, tmp_path: Path
) -> None:
    server.turns = [stall(HALF)]
    process = started(driver(published, tmp_path))
    until(lambda: size(tmp_path / "w.pth.part") == HALF)

    def kill(here: int, total: int) -> None:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=20)

    assert download(published, tmp_path, kill, QUICK).read_bytes() == CONTENT
    assert server.ranges == ["", REST]


def test_a_lock_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with (
        pytest.raises(StorageError, match="lock cannot be written: unable to open"),
        turn(tmp_path / "lock", lambda: None),
    ):
        pass


# Proxies


def test_a_proxy_of_the_environment_is_used(
    server: Server, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy is our server: a request to a proxy names the whole address (RFC 9112, 3.2.2)."""
    url = "http://far.invalid/w.pth"
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    code = driver(replace(published, url=url), tmp_path)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "done\n", done.stderr
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    assert server.paths == [url]


def test_no_proxy_is_heeded(
    server: Server, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
    with pytest.raises(WeightsError, match="cannot be reached"):
        fetch(published, tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert fetch(published, tmp_path).read_bytes() == CONTENT
    assert server.paths == ["/w.pth"]
