"""The command with other networks than the default one, side by side in one library."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookgraph import Library
from lookgraph.evaluation.folders import classes_of
from lookgraph.evaluation.quality import evaluate
from lookgraph.types import Metric
from tests.e2e.commands import in_a_terminal, lookgraph
from tests.unit.test_choosing import flattening

LITE0 = "efficientnet-lite0-57934424-p1-cosine"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A network that gives the pixels of a picture of 8 x 8, from 0 to 255."""
    file = flattening(tmp_path / "mine.onnx")
    options = 'mean = 0\ndeviation = 1\nscale = 255\nresize = "squash"\nmetric = "l2"\n'
    file.with_suffix(".toml").write_text(options)
    return file


def pixels(file: Path) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    image = Image.open(file).convert("RGB").resize((8, 8), Image.Resampling.BILINEAR)
    flat = np.asarray(image, np.float32).transpose(2, 0, 1).reshape(-1)
    return flat.astype(np.float16).astype(np.float32)


def test_a_second_network_is_added_and_asked(folder: Path, mine: Path) -> None:
    lookgraph("index", folder)
    done = lookgraph("index", folder, "--model", mine)
    assert "5 pictures in" in done.err
    first, second = lookgraph("status", folder, "--json").json["spaces"]
    assert first["name"] == LITE0
    assert second["name"].startswith("mine-")
    assert (second["space"]["metric"], second["space"]["dimension"]) == ("l2", 192)
    assert (first["pictures"], second["pictures"]) == (5, 5)
    lines = lookgraph("status", folder).out.decode().splitlines()
    assert [line.split()[1].rstrip(":") for line in lines if line.startswith("space")] == [
        first["name"],
        second["name"],
    ]
    # Without a word the search is in the first.
    query = folder / "a.png"
    assert lookgraph("search", query, "--json").json["space"] == LITE0
    found = lookgraph("search", query, "--model", "mine", "--json").json
    assert (found["space"], found["rank"]) == (second["name"], "l2")
    wanted = {
        path.relative_to(folder).as_posix(): float(np.linalg.norm(pixels(path) - pixels(query)))
        for path in folder.rglob("*.png")
    }
    assert [hit["path"] for hit in found["hits"]] == sorted(wanted, key=wanted.__getitem__)
    for hit in found["hits"]:
        assert hit["distance"] == pytest.approx(wanted[hit["path"]], rel=1e-3, abs=0.5)
        assert hit["score"] == -hit["distance"]


def test_distances_are_shown_where_there_are_any(folder: Path, mine: Path) -> None:
    lookgraph("index", folder, "--model", mine)
    query = folder / "a.png"
    numbers = [float(line.split(b"\t")[0]) for line in lookgraph("search", query).lines]
    assert numbers[0] == 0
    assert numbers == sorted(numbers)
    seen = in_a_terminal("search", query, cwd=folder).out.decode()
    assert "distance" in seen
    assert "score" not in seen
    page = folder.parent / "page.html"
    lookgraph("search", query, "--html", page)
    assert "distance 0" in page.read_text(encoding="utf-8")


def test_options_on_the_command_line_go_before_the_file(folder: Path, mine: Path) -> None:
    option = "metric=inner-product"
    lookgraph("index", folder, "--model", mine, "--model-option", option)
    found = lookgraph("search", folder / "b.png", "--json").json
    assert found["rank"] == "inner-product"
    query = pixels(folder / "b.png")
    wanted = {path.name: float(pixels(path) @ query) for path in folder.rglob("*.png")}
    for hit in found["hits"]:
        assert hit["score"] == pytest.approx(wanted[Path(hit["path"]).name], rel=2e-2)
        assert "distance" not in hit
    done = lookgraph("index", folder, "--model", mine, "--model-option", "colour=3", code=2)
    assert "there is no 'colour'" in done.err


def test_a_network_that_the_library_has_not_is_answered_with_those_that_it_has(
    shelf: Path,
) -> None:
    picture = next(shelf.rglob("*.jpg"))
    done = lookgraph("search", picture, "--library", shelf, "--model", "resnet50", code=1)
    assert done.err == (
        f"lookgraph: The library has no embeddings of resnet50; it has: {LITE0}. "
        "Add them: lookgraph index --model resnet50\n"
    )


def test_weights_that_are_not_here_are_a_sentence(folder: Path, tmp_path: Path) -> None:
    env = {"LOOKGRAPH_CACHE": str(tmp_path / "cache")}
    done = lookgraph("index", folder, "--model", "resnet50", code=1, env=env)
    assert done.err.count("\n") == 1
    for word in ("lookgraph models fetch resnet50", "resnet50-0676ba61.pth", "--weights FILE"):
        assert word in done.err
    wrong = tmp_path / "w.pth"
    wrong.write_bytes(b"none")
    done = lookgraph("index", folder, "--model", "resnet50", "--weights", wrong, code=1, env=env)
    assert "instead of 0676ba61" in done.err
    arguments = ("index", folder, "--model", "resnet50", "--weights", wrong, "--own-weights")
    assert "is not a checkpoint" in lookgraph(*arguments, code=1, env=env).err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--own-weights"], "--own-weights needs --weights FILE"),
        (["--model-option", "size=3"], "--model-option needs --model FILE.onnx"),
        (["--model", "vgg"], "there is no model named 'vgg'"),
        (["--metric", "l1"], "'l1' is not one of"),
        (["--precision", "int4"], "'int4' is not one of"),
        (["--runtime", "torch"], "'torch' is not one of"),
        (["--model", "efficientnet-lite0", "--model-option", "size=3"], "no ONNX file"),
    ],
)  # fmt: skip
def test_wrong_words_are_wrong_usage(folder: Path, arguments: list[str], said: str) -> None:
    assert said in lookgraph("index", folder, *arguments, code=2).err
    assert not (folder / ".lookgraph").exists()


def test_a_search_needs_something_to_search_for(shelf: Path) -> None:
    assert "what are you looking for" in lookgraph("search", "--library", shelf, code=2).err
    done = lookgraph("search", "--text", "red dress", "--library", shelf, code=2)
    assert "knows pictures only, no words" in done.err
    assert "clip-vit-b32" in done.err


# Evaluating


def test_an_evaluation_is_what_the_embeddings_give(own_shelf: Path) -> None:
    found = lookgraph("evaluate", own_shelf, "--held-out", "0.4", "--json").json
    library = Library.open(own_shelf)
    embedded = {
        entry.path: one.embedding
        for one in library.store.embedded(library.space())
        for entry in one.entries
    }
    paths = sorted(embedded)
    classes = classes_of(paths)
    embeddings = np.stack([embedded[paths[i]] for i in classes.kept])
    wanted = evaluate(embeddings, classes.labels, Metric.COSINE, 0.4)
    (result,) = found["results"]
    assert result["space"] == LITE0
    assert (result["queries"], result["database"]) == (wanted.queries, wanted.database)
    for name, measure in (("p1", wanted.p1), ("p10", wanted.p10), ("map", wanted.map)):
        assert result[name]["mean"] == pytest.approx(measure.mean)
        assert result[name]["low"] <= result[name]["mean"] <= result[name]["high"]
    assert found["classes"] == list(classes.names)
    assert found["pictures"] == len(paths)


def test_networks_are_compared_on_the_same_queries(own_shelf: Path, mine: Path) -> None:
    shutil.rmtree(own_shelf / ".lookgraph")
    done = lookgraph(
        "evaluate", own_shelf, "--model", "efficientnet-lite0", "--model", mine, "--json"
    )
    first, second = done.json["results"]
    assert "24 embedded" in done.err  # what was not indexed yet
    assert (first["model"], second["model"]) == ("efficientnet-lite0", "mine")
    assert "difference" not in first
    for name in ("p1", "p10", "map"):
        gained = second[name]["mean"] - first[name]["mean"]
        assert second["difference"][name]["mean"] == pytest.approx(gained)
    seen = in_a_terminal("evaluate", own_shelf, cwd=own_shelf).out.decode()
    assert "mAP" in seen
    assert "above the first" in seen
    lines = lookgraph("evaluate", own_shelf).lines
    assert lines[0] == b"space\tP@1\tP@10\tmAP"
    assert [line.split(b"\t")[0].decode() for line in lines[1:]] == [
        first["space"],
        second["space"],
    ]


def test_folders_that_are_no_classes_are_refused(folder: Path) -> None:
    done = lookgraph("evaluate", folder, code=2)
    assert "An evaluation needs a folder for each class" in done.err
    assert lookgraph("evaluate", folder / "a.png", code=2).err
