"""Who imports whom: the arrows of ARCHITECTURE.md, and what stays unloaded until it is needed."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PACKAGE = PROJECT / "lookgraph"

LAYERS = (
    ("interfaces",),
    ("doctor",),
    ("library",),
    (
        "distributed",
        "indexing",
        "searching",
        "graphs",
        "judging",
        "duplicates",
        "places",
        "choosing",
        "queries",
        "exchange",
        "results",
        "thumbnails",
        "evaluating",
    ),
    (
        "ingest",
        "models",
        "stores",
        "index",
        "graph",
        "ranking",
        "perceptual",
        "pages",
        "evaluation",
    ),
    ("aside", "types", "errors", "config"),
)
"""From the top down. A part imports from the layers below its own."""

SIBLINGS = {
    "distributed": {"exchange", "indexing"},
    "searching": {"choosing", "queries", "results"},
    "aside": {"errors"},
    "queries": {"results"},
    "thumbnails": {"results"},
    "graphs": {"queries", "results", "exchange"},
    "judging": {"queries"},
    "stores": {"index", "graph", "ranking"},
    "graph": {"index"},
    "ranking": {"graph", "index"},
}
"""Beside that, a part may import these of its own layer."""

ALONE = {"catalogue"}
"""Parts that import nothing of ours but the errors. The interfaces import them, and `DRAWING`."""

DRAWING = {"interfaces", "choosing"}
"""Who has pictures drawn: for the demo, and to measure what a lower precision costs."""

SURFACE = "__init__"
"""The package itself: it imports from anywhere, and nothing but what is in `errors` at once."""


def part_of(module: str) -> str:
    """``lookgraph.stores.local`` is in the part ``stores``."""
    return [*module.split("."), SURFACE][1]


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        yield file, ast.parse(file.read_text(encoding="utf-8"))


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules that are imported anywhere in a file, whatever of them is taken."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                below = PROJECT / Path(*whole.split("."))
                is_module = below.with_suffix(".py").exists() or below.is_dir()
                yield whole if is_module else node.module


def name_of(file: Path) -> str:
    inside = file.relative_to(PROJECT).with_suffix("")
    return ".".join(inside.parts).removesuffix(".__init__")


ARROWS = sorted(
    {
        (part_of(name_of(file)), part_of(module))
        for file, tree in sources()
        for module in imports(tree)
        if module.split(".")[0] == "lookgraph"
    }
)
"""Which part imports from which."""


def allowed(importer: str) -> set[str]:
    if importer == SURFACE:
        return {part for layer in LAYERS for part in layer}
    if importer in ALONE:
        return {"errors"}
    (level,) = (i for i, layer in enumerate(LAYERS) if importer in layer)
    below = {part for layer in LAYERS[level + 1 :] for part in layer}
    extra = {SURFACE} if importer == "interfaces" else set()
    extra |= ALONE if importer in DRAWING else set()
    return below | extra | SIBLINGS.get(importer, set())


def test_every_part_has_its_layer() -> None:
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"} | {
        path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()
    }
    assert parts == {part for layer in LAYERS for part in layer} | ALONE | {SURFACE}


@pytest.mark.parametrize(
    ("importer", "imported"), [arrow for arrow in ARROWS if arrow[0] != arrow[1]]
)
def test_imports_point_downward(importer: str, imported: str) -> None:
    assert imported in allowed(importer)


def test_the_arrows_are_seen() -> None:
    """This test itself would notice: some arrows that are there."""
    assert {
        ("interfaces", "library"), ("library", "stores"), ("stores", "index"),
        ("indexing", "ingest"), ("models", "errors"),
    } <= set(ARROWS)  # fmt: skip
    assert "models" not in allowed("ingest")
    assert "library" not in allowed("stores")
    assert "stores" not in allowed("index")


def test_no_torch_and_no_faiss() -> None:
    """The one is never needed, the other not yet; together they crash a process."""
    found = {
        module.split(".")[0]: file.name for file, tree in sources() for module in imports(tree)
    }
    assert found.keys() & {"torch", "torchvision", "faiss"} == set()


def test_only_config_reads_the_environment() -> None:
    readers = {
        name_of(file)
        for file, tree in sources()
        for node in ast.walk(tree)
        if {getattr(node, name, None) for name in ("attr", "id", "name")} & ENVIRONMENT
    }
    assert readers == {"lookgraph.config"}


ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv", "expandvars"}


def test_nothing_below_the_interfaces_prints_or_ends_the_process() -> None:
    talkers = {
        (name_of(file), ast.unparse(node.func))
        for file, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func)
        in {"print", "input", "exit", "quit", "sys.exit", "os._exit", "os.abort"}
    }
    assert {part_of(module) for module, _ in talkers} <= {"interfaces"}
    assert "print" not in {function for _, function in talkers}


def test_nothing_but_the_interfaces_imports_what_they_are_made_of() -> None:
    users = {
        part_of(name_of(file))
        for file, tree in sources()
        for module in imports(tree)
        if module.split(".")[0] in {"click", "rich", "typer"}
    }
    assert users == {"interfaces"}


# What is loaded

HEAVY = {
    "numpy",
    "onnxruntime",
    "onnx",
    "PIL",
    "rich",
    "click",
    "pyarrow",
    "pillow_heif",
    "sqlite3",
    "ray",
    "fsspec",
    "lookgraph.distributed",
    "lookgraph.duplicates",
    "lookgraph.evaluating",
    "lookgraph.graphs",
    "lookgraph.indexing",
}


def loaded_by(code: str) -> set[str]:
    """What of `HEAVY` a fresh process has loaded once it has run some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\ntry:\n    {code}\nfinally:\n    "
         f"print('loaded:', *({HEAVY!r} & sys.modules.keys()))"],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "loaded:", done.stderr
    return set(last[1:])


def test_importing_lookgraph_loads_nothing_heavy() -> None:
    assert loaded_by("import lookgraph") == set()
    assert loaded_by("import lookgraph; lookgraph.LookgraphError") == set()


COMMAND = "sys.argv[1:] = {!r}; from lookgraph.interfaces.cli import main; main()"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["search", "--help"]])
def test_help_loads_nothing_but_the_command_line(arguments: list[str]) -> None:
    assert loaded_by(COMMAND.format(arguments)) == {"click"}


def test_what_asks_the_database_alone_loads_little_more(tmp_path: Path) -> None:
    from lookgraph import Library
    from tests.pictures import drawn, save

    save(drawn(1), tmp_path / "a.png")
    Library.open(tmp_path).index()
    picture = str(tmp_path / "a.png")
    for asked in (["status", str(tmp_path)], ["search", picture, "--library", str(tmp_path)]):
        assert loaded_by(COMMAND.format(asked)) == {"click", "numpy", "sqlite3"}, asked
