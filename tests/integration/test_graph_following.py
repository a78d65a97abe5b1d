"""A graph that follows its library is the one that would be made from nothing."""

from dataclasses import replace
from pathlib import Path

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookgraph.errors import (
    GraphNotFoundError,
    GraphTooLargeError,
    LibraryDamagedError,
    LibraryFormatError,
)
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.graphs import GRAPH_FOLDER, arrays_of
from lookgraph.stores.local import LocalStore
from lookgraph.types import Array, IndexKind, Metric
from tests.conftest import needs_module
from tests.integration.indexed import add, compact, embeddings, forget, numbers, renew, space

THRESHOLDS = {Metric.COSINE: 0.8, Metric.L2: -3.0, Metric.INNER_PRODUCT: 16.0}
BOTH = {metric: GraphWanted(4, threshold) for metric, threshold in THRESHOLDS.items()}


def link(store: LocalStore, metric: Metric, wanted: GraphWanted | None = None) -> None:
    with store.write() as writer:
        writer.renew_graph(space(metric), wanted, lambda _: None)


def arrays(store: LocalStore, metric: Metric) -> dict[str, Array]:
    with store.graph(space(metric)) as view:
        return {name: np.array(array) for name, array in arrays_of(view.held).items()}


def graph_files(store: LocalStore) -> set[str]:
    place = store.folder / GRAPH_FOLDER
    return {file.name for file in place.iterdir()} if place.is_dir() else set()


@pytest.mark.parametrize("metric", Metric)
@given(st.data())
@settings(max_examples=12, deadline=None)
def test_after_any_changes_it_is_as_made_from_nothing(
    metric: Metric, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Pictures are added, and go, and come back; every tenth is like the one before."""
    store = LocalStore(tmp_path_factory.mktemp("following") / "library")
    here = set(range(data.draw(st.sampled_from([1, 3, 40]))))
    add(store, space(metric), here)
    link(store, metric, replace(BOTH[metric], mutual=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 4))):
        action = data.draw(st.sampled_from(["add", "forget", "both", "compact"]))
        if action in ("add", "both"):
            some = set(data.draw(st.lists(st.integers(0, 120), min_size=1, max_size=30)))
            add(store, space(metric), some - here)
            here |= some
        if action in ("forget", "both") and here:
            some = set(data.draw(st.lists(st.sampled_from(sorted(here)), max_size=20)))
            forget(store, some)
            here -= some
        if action == "compact":
            compact(store, space(metric))
        if data.draw(st.booleans()):
            link(store, metric)
    link(store, metric)
    followed = arrays(store, metric)
    for file in (store.folder / GRAPH_FOLDER).iterdir():
        file.unlink()
    link(store, metric)
    made = arrays(store, metric)
    assert {name for name in made if not np.array_equal(made[name], followed[name])} == set()


@pytest.mark.parametrize("metric", Metric)
def test_pairs_and_nearest_are_those_of_all_pairs(metric: Metric, tmp_path: Path) -> None:
    store, which = LocalStore(tmp_path / "library"), space(metric)
    add(store, which, range(300))
    forget(store, range(0, 300, 7))
    link(store, metric, GraphWanted(3, THRESHOLDS[metric]))
    wide = embeddings(metric)[:300].astype(np.float64)
    scores = wide @ wide.T
    if metric is Metric.COSINE:
        lengths = np.linalg.norm(wide, axis=1)
        scores /= np.outer(lengths, lengths)
    if metric is Metric.L2:
        scores = -np.linalg.norm(wide[:, np.newaxis] - wide, axis=2)
    here = [number for number in range(300) if number % 7]
    found = arrays(store, metric)
    pairs = zip(found["over_first"].tolist(), found["over_second"].tolist(), strict=True)
    assert set(pairs) == {
        (i, j) for j in here for i in here if i < j and scores[i, j] >= THRESHOLDS[metric]
    }
    assert found["over_scores"] == pytest.approx(
        scores[found["over_first"], found["over_second"]], abs=1e-5
    )
    for row in here:
        others = sorted((o for o in here if o != row), key=lambda o: (-scores[row, o], o))
        told = scores[row, found["neighbours"][row]]
        assert told == pytest.approx(scores[row, others[:3]], abs=1e-12)
    assert not found["usable"][::7].any()
    assert (found["neighbours"][::7] == -1).all()


def test_a_graph_through_the_index_is_nearly_that_of_all_pairs(tmp_path: Path) -> None:
    needs_module("faiss")
    exact, coded = LocalStore(tmp_path / "exact"), LocalStore(tmp_path / "coded")
    for store in (exact, coded):
        add(store, space(), range(6000))
    renew(coded, space(), IndexKind.IVF)
    for store in (exact, coded):
        link(store, Metric.COSINE, GraphWanted(10))
    wanted = arrays(exact, Metric.COSINE)["neighbour_scores"]
    found = arrays(coded, Metric.COSINE)["neighbour_scores"]
    assert np.mean(found >= wanted[:, -1:]) > 0.97


def test_followed_through_the_index_it_is_nearly_that_of_all_pairs(tmp_path: Path) -> None:
    needs_module("faiss")
    coded, exact = (LocalStore(tmp_path / name) for name in ("coded", "exact"))
    for store in (coded, exact):
        add(store, space(), range(3000))
    renew(coded, space(), IndexKind.IVF)
    link(coded, Metric.COSINE, GraphWanted(10))
    for store in (coded, exact):
        forget(store, range(0, 3000, 50))
        add(store, space(), range(3000, 3300))
    link(coded, Metric.COSINE)
    link(exact, Metric.COSINE, GraphWanted(10))
    found, true = (arrays(store, Metric.COSINE)["neighbours"] for store in (coded, exact))
    rows = np.flatnonzero((true >= 0).all(axis=1))
    shared = [len(np.intersect1d(found[row], true[row])) / 10 for row in rows]
    assert np.mean(shared) >= 0.98
    assert not np.isin(found, np.arange(0, 3000, 50)).any()


def test_groups_and_paths_are_those_of_networkx(tmp_path: Path) -> None:
    store, which = LocalStore(tmp_path / "library"), space()
    add(store, which, range(200))
    link(store, Metric.COSINE, GraphWanted(0, 0.7))
    found = arrays(store, Metric.COSINE)
    graph = networkx.Graph()
    graph.add_nodes_from(range(200))
    ends = zip(found["over_first"].tolist(), found["over_second"].tolist(), strict=True)
    graph.add_weighted_edges_from(
        (*pair, score) for pair, score in zip(ends, found["over_scores"].tolist(), strict=True)
    )
    with store.graph(which) as view:
        groups = {frozenset(group.tolist()) for group in view.graph.linkage.groups(0.7)}
        components = networkx.connected_components(graph)
        assert groups == {frozenset(one) for one in components if len(one) > 1}
        (largest, *_) = sorted(groups, key=len, reverse=True)
        source, target = min(largest), max(largest)
        path = view.graph.path(source, target)
        assert path is not None
        strong = networkx.Graph(
            [(i, j) for i, j, score in graph.edges.data("weight") if score >= path.weakest]
        )
        assert len(path.scores) == networkx.shortest_path_length(strong, source, target)
        stronger = [(i, j) for i, j, score in graph.edges.data("weight") if score > path.weakest]
        strong = networkx.Graph(stronger)
        strong.add_nodes_from([source, target])
        assert not networkx.has_path(strong, source, target)


def test_too_many_pairs_leave_the_graph_that_was_there(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "library")
    add(store, space(), range(300))
    link(store, Metric.COSINE, GraphWanted(0, 0.9))
    before = arrays(store, Metric.COSINE)
    with pytest.raises(GraphTooLargeError) as refused:
        link(store, Metric.COSINE, GraphWanted(0, 0.2, most=100))
    fitting = float(str(refused.value).split("--threshold ")[1].split()[0])
    assert arrays(store, Metric.COSINE)["over_scores"].tolist() == before["over_scores"].tolist()
    link(store, Metric.COSINE, GraphWanted(0, fitting, most=100))
    assert 60 <= len(arrays(store, Metric.COSINE)["over_scores"]) <= 100


def test_no_graph_a_damaged_one_and_a_newer_one(tmp_path: Path) -> None:
    store, which = LocalStore(tmp_path / "library"), space()
    add(store, which, range(50))
    link(store, Metric.COSINE)  # none is wanted
    assert graph_files(store) == set()
    assert store.graph_status(which) is None
    with pytest.raises(GraphNotFoundError, match="lookgraph graph build"), store.graph(which):
        pass
    link(store, Metric.COSINE, GraphWanted(5))
    before = arrays(store, Metric.COSINE)
    place = store.folder / GRAPH_FOLDER
    (file,) = place.glob("*.links.npy")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    reader = LocalStore(store.folder)
    with pytest.raises(LibraryDamagedError, match=r"links\.npy"), reader.graph(which):
        pass
    fault = reader.graph_fault(which)
    assert fault is not None
    assert "links.npy" in fault
    file.write_bytes(content[:-1])
    status = reader.graph_status(which)
    assert status is not None
    assert status.fault is not None
    assert "links.npy" in status.fault
    link(store, Metric.COSINE)  # what is damaged is made anew
    after = arrays(store, Metric.COSINE)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    (manifest,) = place.glob("*.json")
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    reader = LocalStore(store.folder)
    with pytest.raises(LibraryFormatError, match="newer"), reader.graph(which):
        pass
    with pytest.raises(LibraryFormatError, match="newer"):
        link(store, Metric.COSINE)
    assert manifest.exists()


def test_the_status_says_how_far_behind_it_is(tmp_path: Path) -> None:
    store, which = LocalStore(tmp_path / "library"), space()
    add(store, which, range(50))
    link(store, Metric.COSINE, GraphWanted(5))
    add(store, which, range(50, 53))
    forget(store, [1, 2])
    status = store.graph_status(which)
    assert status is not None
    assert (status.pictures, status.behind, status.fault) == (48, 5, None)
    with store.graph(which) as view:
        assert view.live().sum() == 48
        assert view.view.row_of(min(numbers(), key=lambda id_: numbers()[id_] != 1)) is None
    link(store, Metric.COSINE)
    status = store.graph_status(which)
    assert status is not None
    assert (status.pictures, status.behind) == (51, 0)


def test_files_that_nothing_names_go(tmp_path: Path) -> None:
    store, which = LocalStore(tmp_path / "library"), space()
    add(store, which, range(50))
    link(store, Metric.COSINE, GraphWanted(5))
    first = graph_files(store)
    leftover = store.folder / GRAPH_FOLDER / "leftover.npy"
    leftover.write_bytes(b"")
    with store.write():
        pass
    assert graph_files(store) == first
    add(store, which, range(50, 60))
    link(store, Metric.COSINE)
    assert len(graph_files(store)) == len(first)
    assert graph_files(store) & first == {next(name for name in first if name.endswith("json"))}
    with store.write() as writer:
        writer.remove_space(which)
    assert graph_files(store) == set()
