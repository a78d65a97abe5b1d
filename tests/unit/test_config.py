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


def groups(folder: Path, membership: str, **files: str) -> int | None:
    """The cores that are granted where `/proc/self/cgroup` and the files below the mount say so."""
    (folder / "membership").write_text(membership)
    for name, content in files.items():
        file = folder / "mount" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return config.cgroup_cores(folder / "membership", folder / "mount")


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("max 100000\n", None), ("100000 100000\n", 1), ("150000 100000\n", 2), ("50000 100000", 1),
     ("800000 100000", 8), ("rubbish", None), ("", None), ("100000", None), ("0 100000", None),
     ("1 1 1", None), ("100000 0", None), ("100000 -1", None), ("\xff\xfe", None)],
)  # fmt: skip
def test_the_control_groups_limit(tmp_path: Path, limit: str, cores: int | None) -> None:
    assert groups(tmp_path, "0::/\n", **{"cpu.max": limit}) == cores


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert config.cgroup_cores(tmp_path / "missing", tmp_path) is None
    assert config.cgroup_cores(tmp_path, tmp_path) is None
    assert groups(tmp_path, "") is None
    assert groups(tmp_path, "rubbish\n:\n::\n0\n7:cpu\n") is None


@pytest.mark.parametrize(
    ("root", "pod", "own", "cores"),
    [("max 100000", "max 100000", "300000 100000", 3), ("max 100000", "200000 100000", "max 1", 2),
     ("max 100000", "200000 100000", "700000 100000", 2), ("100000 100000", "5 1", "6 1", 1),
     ("rubbish", "400000 100000", "", 4)],
)  # fmt: skip
def test_of_nested_groups_the_least_limit_counts(
    tmp_path: Path, root: str, pod: str, own: str, cores: int
) -> None:
    files = {"cpu.max": root, "pod/cpu.max": pod, "pod/own/cpu.max": own, "aside/cpu.max": "1 1"}
    assert groups(tmp_path, "0::/pod/own\n", **files) == cores


def test_in_a_container_the_own_group_is_the_root(tmp_path: Path) -> None:
    assert groups(tmp_path, "0::/host/docker/abc\n", **{"cpu.max": "200000 100000"}) == 2
    assert groups(tmp_path, "0::/../../other\n", **{"cpu.max": "300000 100000"}) == 3


@pytest.mark.parametrize("controllers", ["cpu", "cpu,cpuacct", "cpuacct,cpu"])
def test_version_1(tmp_path: Path, controllers: str) -> None:
    files = {
        f"{controllers}/cpu.cfs_quota_us": "-1\n",
        f"{controllers}/cpu.cfs_period_us": "100000\n",
        f"{controllers}/pod/cpu.cfs_quota_us": "250000\n",
        f"{controllers}/pod/cpu.cfs_period_us": "100000\n",
        f"{controllers}/pod/own/cpu.cfs_quota_us": "900000\n",
        f"{controllers}/pod/own/cpu.cfs_period_us": "100000\n",
        "cpuset/pod/cpu.cfs_quota_us": "100000\n",
        "cpuset/pod/cpu.cfs_period_us": "100000\n",
    }
    membership = f"9:name=systemd:/\n3:cpuset:/pod\n2:{controllers}:/pod/own\n0::/\n"
    assert groups(tmp_path, membership, **files) == 3


def test_version_1_where_its_folder_has_another_name(tmp_path: Path) -> None:
    files = {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "50000"}
    assert groups(tmp_path, "4:cpu,cpuacct:/docker/abc\n", **files) == 2


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
