"""Libraries to look at and to change."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.commands import SAME_BITS, fill, lookgraph, spread
from tests.pictures import drawn, save


@pytest.fixture(scope="session")
def shelf(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 24 photographs with its library. Not to be changed."""
    folder = fill(tmp_path_factory.mktemp("shelf") / "shelf", spread(photographs, 24))
    lookgraph("index", folder, *SAME_BITS)
    return folder


@pytest.fixture
def own_shelf(shelf: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(shelf, tmp_path / "shelf"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five drawn pictures, two of them in a folder below, and no library."""
    for seed, name in enumerate(["a.png", "b.png", "c.png", "sub/d.png", "sub/e.png"]):
        save(drawn(seed), tmp_path / "pictures" / name)
    return tmp_path / "pictures"
