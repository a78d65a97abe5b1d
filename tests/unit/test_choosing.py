"""Several networks in one library: which one is meant, and that they do not touch each other."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from lookgraph import indexing
from lookgraph.choosing import Chooser, resolve
from lookgraph.errors import LibraryFormatError, ModelError, UsageError
from lookgraph.library import Library
from lookgraph.models.described import as_text, from_text
from lookgraph.models.model import Own
from lookgraph.models.registry import MODELS, find_model
from lookgraph.models.runtimes.base import Choice
from lookgraph.stores.local import LocalStore
from lookgraph.types import Matrix, Metric, Patterns, Precision, Space
from tests.pictures import GRID_SPACE, GridNetwork, drawn, save

COUNT = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for i in range(COUNT):
        save(drawn(i, 320, 240), folder / f"{i}.png")
    return folder


class Colours:
    """An encoder: the mean colour, or another one if it is asked for."""

    def __init__(self, name: str, power: float = 1.0) -> None:
        self.name = name
        self.fingerprint = f"{name} {power}"
        self.power = power
        self.encoded = 0

    def encode(self, images: Sequence[Image.Image], /) -> Matrix:
        self.encoded += len(images)
        means = [np.asarray(image, np.float32).mean(axis=(0, 1)) for image in images]
        return np.asarray(np.stack(means) ** self.power, np.float32)


def flattening(file: Path, side: int = 8) -> Path:
    """An ONNX network that gives the pixels that it gets."""
    shape: list[str | int | None] = ["n", 3, side, side]
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["x"], ["y"])],
        "flattening",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3 * side * side])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, file)
    return file


def chooser(library: Library) -> Chooser:
    return Chooser(library.store, Choice())


def test_networks_lie_side_by_side_and_do_not_touch_each_other(folder: Path) -> None:
    library = Library.open(folder)
    one, other = Colours("one"), Colours("other", 2)
    assert library.index(model=one).embedded == COUNT
    before = list(library.store.embedded(library.space(one)))
    assert library.index(model=other).embedded == COUNT
    assert [space.model for space in library.store.spaces()] == ["one", "other"]
    for first, second in zip(before, library.store.embedded(library.space(one)), strict=True):
        assert first.picture == second.picture
        assert np.array_equal(first.embedding, second.embedding)
    encoded = one.encoded, other.encoded
    found = {name: library.search(folder / "0.png", model=name) for name in ("one", "other")}
    assert (one.encoded, other.encoded) == encoded  # the library has the embeddings
    for name, power in (("one", 1), ("other", 2)):
        hits = found[name]
        assert hits.space == library.space(name)
        means = [np.asarray(drawn(i, 320, 240)).mean(axis=(0, 1)) ** power for i in range(COUNT)]
        units = np.stack([mean / np.linalg.norm(mean) for mean in means])
        wanted = units @ units[0]
        for hit in hits:
            assert hit.score == pytest.approx(wanted[int(hit.name[0])], abs=1e-3)


def test_a_search_without_a_network_is_in_the_first_space(folder: Path) -> None:
    library = Library.open(folder)
    library.index(model=Colours("one"))
    library.index(model=Colours("other", 2))
    assert library.search(folder / "0.png").space.model == "one"
    assert library.space().model == "one"


def test_searching_with_a_network_that_the_library_has_not_says_which_it_has(
    folder: Path,
) -> None:
    library = Library.open(folder)
    library.index(model=Colours("one"))
    name = library.space().name
    for model in ("resnet50", Colours("other")):
        with pytest.raises(LibraryFormatError) as caught:
            library.search(folder / "0.png", model=model)
        assert name in str(caught.value)
        assert "lookgraph index --model" in str(caught.value)


def test_a_space_is_named_by_its_network_or_by_its_own_name(folder: Path) -> None:
    library = Library.open(folder)
    library.index(model=Colours("one"), metric=Metric.COSINE)
    library.index(model=Colours("one"), metric=Metric.L2)
    cosine, l2 = library.store.spaces()
    assert library.space("one") == cosine
    assert library.space(l2.name) == l2
    hits = library.search(folder / "1.png", model=l2.name)
    assert hits.ranked_by == "l2"
    assert [hit.distance for hit in hits] == [abs(hit.score) for hit in hits]
    assert hits[0].distance == 0
    assert [hit.distance for hit in library.search(folder / "1.png", model="one")] == [None] * COUNT


def test_indexing_without_a_network_brings_all_up_to_date(folder: Path, tmp_path: Path) -> None:
    library = Library.open(folder)
    for name, side in (("small", 4), ("large", 8)):
        file = flattening(tmp_path / f"{name}.onnx", side)
        assert library.index(model=str(file)).embedded == COUNT
    save(drawn(99, 320, 240), folder / "new.png")
    told: list[indexing.Progress] = []
    report = library.index(progress=told.append)
    assert (report.embedded, report.unchanged) == (2, COUNT)
    assert {now.space.model for now in told} == {"small", "large"}
    assert [status.pictures for status in library.status().spaces] == [COUNT + 1, COUNT + 1]
    # One of them alone.
    (folder / "new.png").unlink()
    save(drawn(98, 320, 240), folder / "newer.png")
    assert library.index(model="large").embedded == 1
    assert [status.pictures for status in library.status().spaces] == [COUNT, COUNT + 1]


def test_an_onnx_network_is_found_again_without_being_named(folder: Path, tmp_path: Path) -> None:
    file = flattening(tmp_path / "mine.onnx")
    Library.open(folder).index(model=file, metric="l2")
    library = Library.open(folder)
    hits = library.search(drawn(3, 320, 240))
    assert (hits[0].name, hits.space.model, hits.space.metric) == ("3.png", "mine", Metric.L2)
    # The built network is kept; the file is needed only to build it anew.
    file.unlink()
    assert Library.open(folder).search(drawn(3, 320, 240))[0].name == "3.png"


def test_an_encoder_that_is_not_there_is_missed_only_where_it_is_needed(folder: Path) -> None:
    Library.open(folder).index(model=Colours("one"))
    library = Library.open(folder)
    assert library.search(folder / "2.png")[0].name == "2.png"
    assert library.index().unchanged == COUNT
    with pytest.raises(ModelError, match="somebody's encoder"):
        library.search(drawn(77))
    assert library.search(drawn(2, 320, 240), model=Colours("one"))[0].name == "2.png"
    save(drawn(99, 320, 240), folder / "new.png")
    with pytest.raises(ModelError, match="somebody's encoder"):
        library.index()


def test_a_space_that_is_removed_frees_its_rows_and_leaves_the_others(folder: Path) -> None:
    library = Library.open(folder)
    one, other = Colours("one"), Colours("other", 2)
    library.index(model=one)
    library.index(model=other)
    (removed,) = library.remove("one")
    assert (removed.space.model, removed.pictures) == ("one", COUNT)
    assert [space.model for space in library.store.spaces()] == ["other"]
    assert library.search(folder / "4.png")[0].name == "4.png"
    with pytest.raises(LibraryFormatError, match="no embeddings of one"):
        library.remove("one")


def test_what_another_release_made_is_renewed_by_indexing(folder: Path, tmp_path: Path) -> None:
    library = Library.open(folder)
    row = find_model("efficientnet-lite0")
    old = replace(row.space(Metric.L2), preprocessing=0)
    job = indexing.Job(
        folder, Patterns(), "", replace(old, dimension=48), None, library.store.folder
    )
    indexing.run(library.store, job, lambda _: GridNetwork(), lambda _: None)
    with pytest.raises(LibraryFormatError, match=r"another release.*lookgraph index"):
        library.search(folder / "0.png")
    (chosen,) = chooser(library).to_index(None)
    assert chosen.space == row.space(Metric.L2)
    (held,) = library.store.spaces()
    library.remove(held.name)
    assert library.store.spaces() == ()


@pytest.mark.parametrize("row", MODELS, ids=lambda row: row.name)
def test_a_registered_network_needs_no_words(row: object) -> None:
    assert as_text(row) is None  # type: ignore[arg-type]


def test_what_is_kept_of_a_network_brings_it_back(tmp_path: Path) -> None:
    library = Library.open(tmp_path)
    file = flattening(tmp_path / "mine.onnx")
    (chosen,) = chooser(library).to_index(str(file))
    assert chosen.network is not None
    assert from_text(chosen.network) == chosen.model
    for row in MODELS:  # some have an architecture in common
        own = replace(row, weights=Own(tmp_path / "w.pth", "ab" * 32), check=())
        told = as_text(own)
        assert told is not None
        assert from_text(told) == own


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "{}", '{"weights": 3}', '{"name": "x", "weights": {}}',
     '{"name": "none", "weights": {"file": "a", "fingerprint": "b"}}',
     '{"adoption": {}, "weights": {"file": "a", "fingerprint": "b"}}'],
)  # fmt: skip
def test_words_that_are_not_ours_are_refused(text: str) -> None:
    with pytest.raises(ModelError, match="cannot be understood"):
        from_text(text)


def test_a_metric_or_precision_makes_a_space_of_its_own(folder: Path) -> None:
    library = Library.open(folder)
    row = find_model("efficientnet-lite0")
    library.index()
    find = chooser(library).to_index
    assert [one.space for one in find(None)] == [row.space()]
    assert [one.space for one in find(None, Metric.L2)] == [row.space(Metric.L2)]
    lower = row.space(precision=Precision.BFLOAT16)
    assert [one.space for one in find("efficientnet-lite0", None, Precision.BFLOAT16)] == [lower]


def test_words_are_refused_where_no_network_knows_any(folder: Path) -> None:
    library = Library.open(folder)
    library.index(model=Colours("one"))
    with pytest.raises(UsageError, match=r"no words.*clip-vit-b32"):
        library.search(text="red dress")


def test_an_unknown_network_is_refused(folder: Path) -> None:
    library = Library.open(folder)
    with pytest.raises(UsageError, match="there is no model named 'alexnet'"):
        library.index(model="alexnet")
    with pytest.raises(UsageError, match="no ONNX file, and only these have options"):
        resolve("resnet50", ["size=3"])
    assert not library.store.exists()


def test_a_foreign_library_may_say_anything_of_its_networks(folder: Path) -> None:
    library = Library.open(folder)
    job = indexing.Job(
        folder, Patterns(), "", GRID_SPACE, json.dumps({"x": 1}), library.store.folder
    )
    indexing.run(library.store, job, lambda _: GridNetwork(), lambda _: None)
    with pytest.raises(ModelError, match="cannot be understood"):
        library.search(folder / "0.png")
    assert isinstance(LocalStore(folder / ".lookgraph").spaces()[0], Space)
