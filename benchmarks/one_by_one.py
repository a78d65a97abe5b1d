"""The recipes' loop: one picture at a time, decoded whole, in a batch of one.

It runs the same network as Lookgraph, in ONNX Runtime as it comes.

    python -m benchmarks.one_by_one FOLDER [MODEL [WEIGHTS]]
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from benchmarks.material import photographs
from lookgraph.models.cache import network_file
from lookgraph.models.model import Filter, Model, Preparation
from lookgraph.models.registry import DEFAULT_MODEL, find_model
from lookgraph.models.weights import own_weights

_FILTERS = {
    Filter.BICUBIC: Image.Resampling.BICUBIC,
    Filter.BILINEAR: Image.Resampling.BILINEAR,
}


def prepared(file: Path, how: Preparation) -> Image.Image:
    """A picture as the recipes prepare it."""
    image = Image.open(file).convert("RGB")
    if how.shorter_side is None:
        return image.resize((how.width, how.height), _FILTERS[how.filter])
    scale = how.shorter_side / min(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    image = image.resize(size, _FILTERS[how.filter])
    left, top = (image.width - how.width) // 2, (image.height - how.height) // 2
    return image.crop((left, top, left + how.width, top + how.height))


def main() -> None:
    """Embed every photograph below the folder and keep the embeddings in memory."""
    folder, model = Path(sys.argv[1]), _model(sys.argv[2:])
    session = onnxruntime.InferenceSession(
        str(network_file(model)), providers=["CPUExecutionProvider"]
    )
    embeddings = []
    for file in photographs(folder):
        image = prepared(file, model.preparation)
        (output,) = session.run(None, {"pictures": np.asarray(image)[np.newaxis]})
        embeddings.append(output[0] / np.linalg.norm(output[0]))
    print(np.stack(embeddings).shape)


def _model(arguments: list[str]) -> Model:
    name, *weights = arguments or [DEFAULT_MODEL]
    row = find_model(name)
    return own_weights(row, Path(weights[0])) if weights else row


if __name__ == "__main__":
    main()
