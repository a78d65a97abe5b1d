"""Write archives/: small files as torch and Keras themselves write them, and what they hold.

Run in throw-away environments, never in the project's own, once with each::

    pip install torch==1.12.1 "numpy<2"     # Python 3.10; and once more with torch==2.15.0
    pip install tensorflow-cpu==2.21.0 keras==3.15.0
    python tests/unit/models/make_archives.py

What torch's archives hold is the same for every release, and written by the first. Where the
source of a module lay, which TorchScript archives tell debuggers, is written over with zeros.
"""

from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import numpy as np

FOLDER = Path(__file__).parent / "archives"


def torch_archives() -> None:
    import torch  # type: ignore[import-not-found]

    class Block(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 3, 1)
            self.norm = torch.nn.BatchNorm2d(3)
            self.scale = torch.nn.Parameter(torch.tensor(2.5))
            self.register_buffer("mask", torch.arange(6).reshape(2, 3) > 2)
            self.sizes, self.ratio, self.word = [1, 2], 1.5, "word"

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(self.conv(x)) * self.scale

    class Network(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.blocks = torch.nn.Sequential(Block(), Block())
            self.again = self.blocks[0].conv
            self.halves = torch.nn.Parameter(torch.tensor([0.5, -2.0, 65504.0]).half())
            self.register_buffer("wide", torch.tensor([1.0, -3.140625, 1e38]).bfloat16())
            self.register_buffer("turned", torch.arange(6.0).reshape(2, 3).t())
            self.register_buffer("passing", torch.ones(2), persistent=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.blocks(x)

    network = Network().eval()
    with torch.no_grad():
        for number, parameter in enumerate(network.parameters()):
            count = torch.arange(parameter.numel(), dtype=torch.float32)
            parameter.copy_(((count + number) / 8).reshape(parameter.shape))
    state, release = network.state_dict(), torch.__version__.partition("+")[0]
    torch.save(state, FOLDER / f"state-{release}.pth")
    torch.save(
        {name: torch.nn.Parameter(state[name]) for name in ("halves", "turned")},
        FOLDER / f"parameters-{release}.pth",
    )
    scripted = torch.jit.script(network)
    traced = torch.jit.trace(network, torch.ones(1, 3, 2, 2))
    for module, kind in ((scripted, "script"), (traced, "trace")):
        file = FOLDER / f"{kind}-{release}.pt"
        torch.jit.save(module, str(file))
        forget_places(file)
    if not (FOLDER / "torch.npz").exists():
        arrays = {
            name: (value.float() if value.dtype is torch.bfloat16 else value).numpy()
            for name, value in {**state, "passing": network.passing}.items()
        }
        np.savez_compressed(FOLDER / "torch.npz", **arrays)


def forget_places(file: Path) -> None:
    data = bytearray(file.read_bytes())
    with ZipFile(file) as archive:
        members = archive.infolist()
    for member in members:
        if member.filename.endswith(".debug_pkl"):
            header = data[member.header_offset : member.header_offset + 30]
            names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:], "little")
            begin = member.header_offset + 30 + names
            data[begin : begin + member.compress_size] = bytes(member.compress_size)
    file.write_bytes(data)


def keras_weights() -> None:
    import keras  # type: ignore[import-not-found]

    network = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            keras.layers.Conv2D(2, 3, name="block1_conv1"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(2, name="fc1"),
        ],
        name="vgg16",
    )
    network.set_weights([np.arange(w.size).reshape(w.shape) / 8 for w in network.get_weights()])
    release = keras.__version__
    network.save(FOLDER / f"model-keras-{release}.h5")
    network.save_weights(FOLDER / f"keras-{release}.weights.h5")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    if find_spec("torch"):
        torch_archives()
    if find_spec("keras"):
        keras_weights()
