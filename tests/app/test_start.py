"""What the app does before anybody looks at it."""

import gc
from multiprocessing import active_children
from pathlib import Path

import pytest

from lookgraph import Library
from lookgraph.ingest.decoders import Decoders
from lookgraph.models import embedder
from lookgraph.searching import Asking
from tests.conftest import needs_module
from tests.pictures import as_bytes, drawn

needs_module("streamlit")


def test_who_asks_first_need_not_wait(shown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the app has got ready, a decoder runs, and the network is open."""
    from lookgraph.interfaces.app import serving

    def again(*_: object, **__: object) -> None:
        pytest.fail("the network is opened again")

    decoders = Decoders(1)
    with Library.open(shown, asking=Asking(decoders)) as library:
        try:
            serving._get_ready(library)
            started = {child.pid for child in active_children() if "decoder" in child.name}
            assert started
            monkeypatch.setattr(embedder, "settle_embedder", again)
            asked = library.embed(as_bytes(drawn(5), "PNG"))
            assert asked.embedding.shape == (asked.space.dimension,)
            assert {child.pid for child in active_children() if "decoder" in child.name} == started
        finally:
            gc.unfreeze()
            decoders.close()


def test_without_a_library_nothing_is_got_ready(tmp_path: Path) -> None:
    from lookgraph.interfaces.app import serving

    with Library.open(tmp_path) as library:
        serving._get_ready(library)
    gc.unfreeze()
    assert list(tmp_path.iterdir()) == []
