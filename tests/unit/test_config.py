"""Where things are kept, and how many cores may be used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lookgraph import config


def test_the_cache_is_where_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKGRAPH_CACHE", "/somewhere/else")
    assert config.cache_folder() == Path("/somewhere/else")


@pytest.mark.parametrize(
    ("platform", "variables", "wanted"),
    [
        ("linux", {}, "/home/u/.cache/lookgraph"),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/lookgraph"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, "/home/u/.cache/lookgraph"),
        ("darwin", {"XDG_CACHE_HOME": "/xdg"}, "/home/u/Library/Caches/lookgraph"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/lookgraph"),
        ("win32", {}, "/home/u/AppData/Local/lookgraph"),
    ],
)
def test_the_cache_is_where_the_platform_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], wanted: str
) -> None:
    for name in ("LOOKGRAPH_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", "/home/u")
    monkeypatch.setattr(sys, "platform", platform)
    assert config.cache_folder() == Path(wanted)


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("max 100000", None), ("100000 100000", 1), ("150000 100000", 2), ("50000 100000", 1),
     ("800000 100000", 8), ("rubbish", None), ("", None)],
)  # fmt: skip
def test_the_control_groups_limit(tmp_path: Path, limit: str, cores: int | None) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(limit)
    assert config._cgroup_quota(file) == cores
    assert config._cgroup_quota(tmp_path / "missing") is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process its cores")
def test_no_more_cores_than_the_process_may_use() -> None:
    one = next(iter(os.sched_getaffinity(0)))
    code = (
        "import os\n"
        f"os.sched_setaffinity(0, {{{one}}})\n"
        "from lookgraph.config import usable_cores\n"
        "print(usable_cores())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
