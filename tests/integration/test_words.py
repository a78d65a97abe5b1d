"""Asking with words, from an archive of weights to hits, in a space of pictures and texts."""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookgraph.config import cache_folder
from lookgraph.errors import UsageError
from lookgraph.library import Library
from lookgraph.models.cache import network_file
from lookgraph.models.model import Model, Own, Published
from lookgraph.models.registry import find_model
from lookgraph.models.texts import open_text_embedder
from lookgraph.types import Array, Metric
from tests.conftest import needs_module
from tests.pictures import drawn, save
from tests.unit.models.test_texts import merges
from tests.unit.models.test_texts import write as write_vocabulary
from tests.unit.models.transformers import of_clip

pytestmark = pytest.mark.slow

COUNT = 6


def written(state: Mapping[str, Array], file: Path) -> Path:
    """A state as safetensors."""
    header, at = {}, 0
    for name, numbers in state.items():
        kind = {"float32": "F32", "float16": "F16", "int64": "I64"}[numbers.dtype.name]
        shape, end = list(numbers.shape), at + numbers.nbytes
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, end]}
        at = end
    told = json.dumps(header).encode()
    with file.open("wb") as out:
        out.write(struct.pack("<Q", len(told)) + told)
        for numbers in state.values():
            out.write(np.ascontiguousarray(numbers).tobytes())
    return file


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """CLIP with weights from a seed, and with a vocabulary of our own."""
    needs_module("tokenizers")
    row = find_model("clip-vit-b32")
    assert row.text
    file = written(of_clip(), tmp_path_factory.mktemp("clip") / "clip.safetensors")
    own = Own(file, hashlib.sha256(file.read_bytes()).hexdigest())
    kept = cache_folder() / "weights" / "words.txt.gz"
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_vocabulary(kept, merges())
    words = Published("https://example.org/words.txt.gz", "sha256", "", kept.stat().st_size)
    return replace(row, weights=own, text=replace(row.text, vocabulary=words))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in range(COUNT):
        save(drawn(i, 320, 240), tmp_path / "photos" / f"{i}.png")
    return tmp_path / "photos"


@pytest.mark.parametrize("metric", [Metric.COSINE, Metric.L2])
def test_words_find_the_pictures_that_lie_nearest(
    folder: Path, model: Model, metric: Metric
) -> None:
    library = Library.open(folder)
    library.index(model=model, metric=metric)
    space = library.store.spaces()[0]
    vocabulary = cache_folder() / "weights" / "words.txt.gz"
    embedder = open_text_embedder(model, space, network_file(model, "text"), vocabulary)
    query = embedder.embed(["a red dress"])[0]
    pictures = {one.entries[0].path: one.embedding for one in library.store.embedded(space)}
    if metric is Metric.COSINE:
        assert np.linalg.norm(query) == pytest.approx(1, abs=1e-6)
        scores = {path: float(embedding @ query) for path, embedding in pictures.items()}
    else:
        assert np.linalg.norm(query) > 1.5
        scores = {
            path: -float(np.linalg.norm(embedding - query)) for path, embedding in pictures.items()
        }
    hits = library.search(text="a red dress", model=model)
    assert [hit.path for hit in hits] == sorted(scores, key=lambda path: -scores[path])
    for hit in hits:
        assert hit.score == pytest.approx(scores[hit.path], rel=1e-3)
    (subject,) = hits.question.pictures
    assert (subject.name, subject.is_text, subject.file) == ("a red dress", True, None)
    assert "“a red dress”" not in hits._repr_html_()


def test_words_and_pictures_ask_together(folder: Path, model: Model) -> None:
    library = Library.open(folder)
    library.index(model=model)
    both = library.search(folder / "2.png", text=["a red dress", "a dog"], model=model)
    assert [subject.is_text for subject in both.question.pictures] == [False, True, True]
    alone = {hit.path: hit.score for hit in library.search(folder / "2.png", model=model)}
    assert {hit.path: hit.score for hit in both} != alone
    with pytest.raises(UsageError, match="no words"):
        library.search(text="", model=model)
