"""A library of photographs, and the app that shows it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lookgraph import Library
from tests.app.running import chromium, looking, running
from tests.conftest import needs_module

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_EACH = 12
"""Photographs of each of the ten folders."""


@pytest.fixture(scope="session")
def shown(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photographs with a library and a graph; tests leave it as it is."""
    needs_module("streamlit")
    folder = tmp_path_factory.mktemp("shown")
    for source in sorted(path for path in photographs.rglob("*") if path.is_dir()):
        files = sorted(path for path in source.iterdir() if path.is_file())[:_EACH]
        (folder / source.name).mkdir()
        for file in files:
            shutil.copy(file, folder / source.name)
    with Library.open(folder) as library:
        library.index()
        library.graph().build()
    return folder


@pytest.fixture(scope="session")
def address(shown: Path) -> Iterator[str]:
    """The address of an app that shows it."""
    with running(shown) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """One browser for a module. As long as Playwright runs, no test can run asyncio."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def look(browser: "Browser", address: str) -> Callable[..., "AbstractContextManager[Page]"]:
    """Opens a page of somebody who looks at the app."""
    return partial(looking, browser, address)


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept: in the folder ``LOOKGRAPH_SHOTS`` names, to be looked at."""
    kept = os.environ.get("LOOKGRAPH_SHOTS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
