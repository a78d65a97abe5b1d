import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lookgraph.graph.edges import Adjacency
from lookgraph.graphs.kept import MAPS, KeptPlaces
from lookgraph.models.registry import DEFAULT_MODEL, find_model

SPACE = find_model(DEFAULT_MODEL).space()
AROUND = Adjacency(
    np.array([0, 1, 2, 2]), np.array([1, 0], np.int32), np.array([0.9, 0.9], np.float32)
)
PLACES = np.array([[0.1, 0.2], [0.3, 0.4], [1.0, 0.0]], np.float32)


def test_places_of_the_same_graph_are_found_again(tmp_path: Path) -> None:
    kept = KeptPlaces(tmp_path / "new", SPACE)
    assert kept.get(AROUND) is None
    kept.keep(AROUND, PLACES)
    found = KeptPlaces(tmp_path / "new", SPACE).get(AROUND)
    assert found is not None
    assert_array_equal(found, PLACES)
    assert len(list((tmp_path / "new" / MAPS).iterdir())) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"scores": np.array([0.9, 0.8], np.float32)},
        {"numbers": np.array([2, 0], np.int32)},
        {"starts": np.array([0, 0, 2, 2])},
    ],
)
def test_places_of_another_graph_are_not(tmp_path: Path, changed: dict[str, object]) -> None:
    kept = KeptPlaces(tmp_path, SPACE)
    kept.keep(AROUND, PLACES)
    assert kept.get(dataclasses.replace(AROUND, **changed)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"", b"x" * 10, b"x" * 56])
def test_what_is_no_such_file_is_not_used_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MAPS).mkdir()
    (tmp_path / MAPS / SPACE.name).write_bytes(content)
    kept = KeptPlaces(tmp_path, SPACE)
    assert kept.get(AROUND) is None
    kept.keep(AROUND, PLACES)
    assert kept.get(AROUND) is not None


def test_a_cut_file_is_not_used(tmp_path: Path) -> None:
    kept = KeptPlaces(tmp_path, SPACE)
    kept.keep(AROUND, PLACES)
    file = tmp_path / MAPS / SPACE.name
    file.write_bytes(file.read_bytes()[:-4])
    assert kept.get(AROUND) is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / MAPS).write_text("a file stands here")
    KeptPlaces(tmp_path, SPACE).keep(AROUND, PLACES)
    assert (tmp_path / MAPS).read_text() == "a file stands here"
