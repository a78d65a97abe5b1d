"""Pictures in object storage become parts; the storage is a real S3 server on this machine."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lookgraph.choosing import choose_new
from lookgraph.distributed.sources import Bucket
from lookgraph.ingest.pipeline import Outcome, Ready, read
from lookgraph.models.runtimes.base import Choice
from lookgraph.types import Stamp
from tests.conftest import needs_module
from tests.e2e.commands import SAME_BITS, fill, lookgraph, spread
from tests.integration.ray_runs import bits, rows
from tests.integration.s3_server import S3Server, fill_bucket, s3_server

pytestmark = pytest.mark.slow

URL = "s3://shelf/some/photos"
ON_RAY = ("--on", "ray", *SAME_BITS)


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    for name in ("ray", "s3fs", "moto", "boto3"):
        needs_module(name)
    with s3_server() as started:
        yield started


@pytest.fixture(scope="module")
def photos(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = fill(tmp_path_factory.mktemp("photos"), spread(photographs, 40))
    some = sorted(folder.rglob("*.jpg"))[7].read_bytes()
    (folder / "cut.jpg").write_bytes(some[:5000])
    (folder / "empty.jpg").touch()
    (folder / "notes.txt").write_text("no picture")
    (folder / "große Röcke 100%.jpg").write_bytes(some + b"behind its end")
    lookgraph("index", folder, *SAME_BITS, code=3)
    return folder


def test_a_bucket(server: S3Server, photos: Path, tmp_path: Path) -> None:
    client, parts = server.client(), tmp_path / "parts"
    fill_bucket(client, "shelf", photos, "some/photos/")
    for key in ("some/other.jpg", "some/photos/.hidden.jpg", "some/photos/folder/"):
        client.put_object(Bucket="shelf", Key=key, Body=b"\xff\xd8\xff")
    for key in ("some/photos/../up.jpg", "some/photos/a//b.jpg"):
        client.put_object(Bucket="shelf", Key=key, Body=b"\xff\xd8\xff")
    told = lookgraph(
        "index", URL, *ON_RAY, "--parts", parts, "--json", code=3, env=server.environment
    ).json  # fmt: skip
    assert [told[what] for what in ("embedded", "skipped", "other")] == [41, 4, 1]
    odd = {b"%..%2Fup.jpg", b"%a%2F%2Fb.jpg"}
    assert len(rows(parts)) == len(set(rows(parts))) == 46
    assert odd <= set(rows(parts))

    # The same embeddings as of the same files in a folder.
    ignored = shutil.ignore_patterns(".lookgraph")
    own = Path(shutil.copytree(photos, tmp_path / "own", ignore=ignored))
    lookgraph("import", parts, own)
    found = bits(own)
    assert {path for path in found if os.fsencode(path) in odd} == {
        path for path in found if path.startswith("%")
    }
    wanted = bits(photos)
    assert {path: found[path] for path in wanted} == wanted

    # What has changed is done again; the rest is not.
    changed = sorted(photos.glob("dress/*.jpg"))[0]
    key = "some/photos/" + changed.relative_to(photos).as_posix()
    client.put_object(Bucket="shelf", Key=key, Body=changed.read_bytes() + b"more")
    done = lookgraph(
        "index", URL, *ON_RAY, "--parts", parts, "--json", code=3, env=server.environment
    )  # fmt: skip
    assert (done.json["embedded"], done.json["unchanged"]) == (1, 43)
    assert len(rows(parts)) == 46 + 1


def test_how_it_ends(server: S3Server, tmp_path: Path) -> None:
    parts = ("--parts", tmp_path / "parts")
    server.client().create_bucket(Bucket="empty")
    gone = {**server.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    nobody = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "")
    for url, env, code, words in (
        ("s3://no-such-bucket/x", server.environment, 1, "s3://no-such-bucket/x"),
        ("s3://empty/x", server.environment, 1, "There is nothing below s3://empty/x"),
        ("s3://empty/x", gone, 1, "cannot be listed"),
        ("s3://empty/x", {**server.environment, **nobody}, 1, "credentials"),
        ("nothing://empty/x", {}, 1, "nothing://"),
    ):
        done = lookgraph("index", url, *ON_RAY, *parts, code=code, env=env)
        assert (words in done.err, len(done.err.splitlines()), done.out) == (True, 1, b""), done.err
    done = lookgraph("index", "s3://empty/x", *ON_RAY, code=2)
    assert "--on ray --parts DIR" in done.err


def test_an_object_that_changes_while_it_is_read_is_left_to_the_next_run(
    server: S3Server, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, some = server.client(), min(photos.rglob("*.jpg")).read_bytes()
    client.create_bucket(Bucket="moving")
    client.put_object(Bucket="moving", Key="a.jpg", Body=some + bytes(9 << 20))
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    copy = shutil.copyfileobj

    def changed_meanwhile(*arguments: Any) -> None:
        client.put_object(Bucket="moving", Key="a.jpg", Body=some + bytes(8 << 20))
        copy(*arguments)

    def read_it() -> Outcome | Ready:
        wants = choose_new(None, None, None, Choice("onnxruntime")).settle(1, 1)
        return read(Bucket("s3://moving"), "a.jpg", Stamp(0, 0), wants, lambda _: None)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", changed_meanwhile)
        outcome = read_it()
    assert isinstance(outcome, Outcome)
    assert outcome.entry.skip
    assert outcome.entry.skip.kind.passing
    ready = read_it()
    assert isinstance(ready, Ready)
    assert ready.stamp.size == len(some) + (8 << 20)
