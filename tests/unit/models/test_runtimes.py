"""What executes networks: each is held to NumPy, and OpenVINO to ONNX Runtime."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookgraph.errors import MissingExtraError, ModelError, UsageError
from lookgraph.models.model import Model
from lookgraph.models.probe import probe_picture
from lookgraph.models.processor import Processor, parse, this_processor
from lookgraph.models.runtimes import Choice, onnx_runtime, open_runtime, openvino_runtime
from lookgraph.models.runtimes.base import Input, Runtime
from lookgraph.models.runtimes.gpus import Gpu, find_gpus
from lookgraph.models.runtimes.onnx_runtime import OnnxRuntime
from lookgraph.models.runtimes.openvino_runtime import OpenVinoRuntime
from lookgraph.models.runtimes.trial import candidates
from lookgraph.types import Precision
from tests.conftest import needs_module
from tests.unit.models.small_network import embed, some_pictures, write_network

Load = Callable[[Path], Runtime]


def onnxruntime(network: Path) -> Runtime:
    return OnnxRuntime(network, threads=1)


def openvino(network: Path) -> Runtime:
    needs_module("openvino")
    return OpenVinoRuntime(network, Precision.FLOAT32, callers=2)


every_runtime = pytest.mark.parametrize("load", [onnxruntime, openvino])


@every_runtime
@pytest.mark.parametrize("count", [1, 3, 4, 5, 9])
@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_any_number_of_pictures_whatever_the_networks_batch(
    load: Load, tmp_path: Path, count: int, batch: int | str
) -> None:
    runtime = load(write_network(tmp_path / "small.onnx", batch))
    pixels = some_pictures(count)
    for _ in range(2):
        found = runtime.run(pixels)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, embed(pixels), rtol=1e-5, atol=1e-6)


@every_runtime
def test_pictures_of_any_size_where_the_network_takes_them(load: Load, tmp_path: Path) -> None:
    runtime = load(write_network(tmp_path / "small.onnx", side="side"))
    for side in (4, 9):
        pixels = some_pictures(2, side)
        np.testing.assert_allclose(runtime.run(pixels), embed(pixels), rtol=1e-5, atol=1e-6)


@every_runtime
@pytest.mark.parametrize("batch", ["n", 2])
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((2, 8, 9, 3), np.uint8), ((2, 9, 8, 3), np.uint8), ((2, 8, 8, 4), np.uint8),
     ((8, 8, 3), np.uint8), ((2, 8, 8, 3), np.float32), ((2, 3, 8, 8), np.uint8)],
)  # fmt: skip
def test_other_shapes_and_types_are_refused(
    load: Load, tmp_path: Path, batch: int | str, shape: tuple[int, ...], dtype: type
) -> None:
    runtime = load(write_network(tmp_path / "small.onnx", batch))
    name = np.dtype(dtype).name
    with pytest.raises(ModelError) as refused:
        runtime.run(np.zeros(shape, dtype))
    assert str(refused.value) == (
        f"the network failed: it takes uint8 (n, 8, 8, 3), not {name} {shape}"
    )


@every_runtime
def test_several_threads_at_once_give_what_one_gives(load: Load, tmp_path: Path) -> None:
    runtime = load(write_network(tmp_path / "small.onnx"))
    pictures = [some_pictures(1 + i % 4) + np.uint8(i) for i in range(64)]
    alone = [runtime.run(pixels) for pixels in pictures]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            together = list(pool.map(runtime.run, pictures))
            for one, other in zip(alone, together, strict=True):
                np.testing.assert_array_equal(one, other)


@every_runtime
@pytest.mark.parametrize("content", [b"", b"no network", None])
def test_a_file_that_is_no_network_is_refused(
    load: Load, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "bad.onnx"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelError, match=r"cannot load .*bad\.onnx"):
        load(file)


def test_openvino_gives_what_onnx_runtime_gives(model: Model, network: Path) -> None:
    side = model.preparation.height
    pixels = np.stack([probe_picture(side), probe_picture(side)[::-1], 255 - probe_picture(side)])
    expected, found = onnxruntime(network).run(pixels), openvino(network).run(pixels)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_bfloat16_is_near_float32_and_not_the_same(model: Model, network: Path) -> None:
    needs_module("openvino")
    if not openvino_runtime.devices(Precision.BFLOAT16):
        pytest.skip("needs a processor with bfloat16")
    pixels = np.stack([probe_picture(model.preparation.height)] * 2)
    runtime = open_runtime(network, model.space(precision=Precision.BFLOAT16), callers=2)
    expected, found = onnxruntime(network).run(pixels), runtime.run(pixels)
    cosine = (expected[0] @ found[0]) / np.linalg.norm(expected[0]) / np.linalg.norm(found[0])
    assert 0.99 < cosine < 0.99999
    np.testing.assert_array_equal(found[0], found[1])


def test_bfloat16_is_offered_only_where_the_processor_has_it() -> None:
    needs_module("openvino")
    if this_processor().bfloat16 is None:
        pytest.skip("only Linux says what the processor has")
    assert openvino_runtime.devices(Precision.BFLOAT16) == ("cpu",) * bool(
        this_processor().bfloat16
    )
    assert onnx_runtime.devices(Precision.BFLOAT16) == ()


def test_importing_openvino_tells_nobody(tmp_path: Path) -> None:
    """By itself, `import openvino` loads a package that sends an event over the network."""
    needs_module("openvino")
    network = write_network(tmp_path / "small.onnx")
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from lookgraph.models.runtimes.openvino_runtime import OpenVinoRuntime\n"
        "from lookgraph.types import Precision\n"
        f"OpenVinoRuntime(Path({str(network)!r}), Precision.FLOAT32, 1)\n"
        "import openvino\n"
        "print(*(name for name in sys.modules if name.startswith('openvino_telemetry')))\n"
        "print(openvino.tools.ovc.telemetry.__class__.__module__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, check=True,
        env={"HOME": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert done.stdout == "\nopenvino.tools.ovc.telemetry_stub\n"
    assert done.stderr == ""
    assert not (tmp_path / "intel").exists()


@pytest.mark.parametrize(
    ("runtime", "device", "said"),
    [("torch", "auto", "there is no runtime 'torch'; there is: auto, onnxruntime, openvino"),
     ("auto", "cuda", "there is no device 'cuda'; there is: auto, cpu, gpu")],
)  # fmt: skip
def test_other_words_are_refused(runtime: str, device: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        Choice(runtime, device)
    assert str(refused.value) == said


def test_what_is_missing_is_said() -> None:
    needs_module("openvino")
    with pytest.raises(ModelError, match="does not compute in bfloat16: use --runtime openvino"):
        candidates(Precision.BFLOAT16, Choice(runtime="onnxruntime"))
    with pytest.raises(ModelError, match="a GPU computes in float32 only, not in int8"):
        candidates(Precision.INT8, Choice(device="gpu"))
    if "gpu" not in onnx_runtime.devices(Precision.FLOAT32):
        with pytest.raises(ModelError, match=r"can use a GPU.* install onnxruntime-gpu"):
            candidates(Precision.FLOAT32, Choice(runtime="onnxruntime", device="gpu"))


def test_without_openvino_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = PathFinder.find_spec

    def find_all_but_openvino(name: str, *where: Any) -> ModuleSpec | None:
        return None if name == "openvino" else find(name, *where)

    monkeypatch.setattr(PathFinder, "find_spec", find_all_but_openvino)
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'lookgraph\[openvino\]'"):
        candidates(Precision.FLOAT32, Choice(runtime="openvino"))
    with pytest.raises(MissingExtraError, match=r"bfloat16 on a CPU .*'lookgraph\[openvino\]'"):
        candidates(Precision.BFLOAT16, Choice())
    assert [str(one) for one in candidates(Precision.FLOAT32, Choice(device="cpu"))] == [
        "onnxruntime"
    ]


def test_a_gpu_that_is_not_there_is_an_error_and_not_the_cpu(tmp_path: Path) -> None:
    network = write_network(tmp_path / "small.onnx")
    if "gpu" in onnx_runtime.devices(Precision.FLOAT32):
        pytest.skip("needs a build for the CPU only")
    with pytest.raises(ModelError, match="has no GPU: the installed onnxruntime is not built"):
        OnnxRuntime(network, threads=1, device="gpu")


def test_a_fixed_batch_is_filled_up_with_the_last_picture() -> None:
    seen = []

    def run(pixels: np.ndarray) -> np.ndarray:
        seen.append(pixels[:, 0, 0, 0].tolist())
        return pixels[:, 0, 0, :1].astype(np.float32)

    pixels = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1).repeat(3, axis=3)
    found = Input(4, 1, 1).feed(run, pixels)
    assert found[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert seen == [[0, 1, 2, 3], [4, 4, 4, 4]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("processor\t: 0\nmodel name\t: A 1\nflags\t\t: fpu avx512_bf16 avx512_vnni\n\n"
      "processor\t: 1\nmodel name\t: B 2\nflags\t: fpu\n", Processor("A 1", True, True)),
     ("model name : A\nflags : fpu avx2 avx_vnni\n", Processor("A", False, True)),
     ("model name : A\nflags : fpu avx512f\n", Processor("A", False, False)),
     ("CPU implementer\t: 0x41\nCPU part\t: 0xd4f\nFeatures\t: fp asimd bf16\n",
      Processor("0x41 0xd4f", True, True)),
     ("model name : A\n", Processor("A", None, None))],
)  # fmt: skip
def test_the_processor_in_what_linux_says(text: str, wanted: Processor) -> None:
    assert parse(text) == wanted


def test_the_processor_where_nothing_is_said() -> None:
    assert parse("").bfloat16 is None
    assert this_processor().name


def put(root: Path, name: str, content: str = "") -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(content)


def test_the_gpus_that_linux_shows(tmp_path: Path) -> None:
    assert find_gpus(tmp_path) == []
    put(tmp_path, "sys/class/drm/renderD130/device/vendor", "0x1002\n")
    assert find_gpus(tmp_path) == []  # without a node, it cannot be computed with
    for number, vendor in ((128, "0x8086"), (129, "0x1a03"), (130, "0x1002"), (131, "0x1002")):
        put(tmp_path, f"dev/dri/renderD{number}")
        put(tmp_path, f"sys/class/drm/renderD{number}/device/vendor", f"{vendor}\n")
    put(tmp_path, "dev/dri/renderD132")
    assert find_gpus(tmp_path) == [Gpu("AMD"), Gpu("Intel")]
    put(tmp_path, "dev/nvidia0")
    assert find_gpus(tmp_path) == [Gpu("AMD"), Gpu("Intel"), Gpu("NVIDIA")]
    other = tmp_path / "other"
    put(other, "proc/driver/nvidia/version", "NVRM version")
    assert find_gpus(other) == [Gpu("NVIDIA")]
