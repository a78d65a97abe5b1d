"""``lookgraph demo``: from a folder of pictures to a page, in one command."""

from pathlib import Path

from tests.e2e.commands import lookgraph


def test_it_indexes_searches_and_writes_a_page(folder: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    done = lookgraph("demo", folder, cwd=here)
    scores = [float(line.split(b"\t")[0]) for line in done.lines]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1.0
    (page,) = here.glob("*.html")
    text = page.read_text()
    assert all(text.count(name) for name in ("a.png", "b.png", "c.png", "sub/d.png", "sub/e.png"))
