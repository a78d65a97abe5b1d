"""The recipes' loop, with our network: one picture at a time, decoded whole, in a batch of one.

python -m benchmarks.one_by_one FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from benchmarks.material import photographs
from lookgraph.models.cache import network_file
from lookgraph.models.registry import DEFAULT_MODEL, find_model


def main() -> None:
    """Embed every photograph below the folder and keep the embeddings in memory."""
    model = find_model(DEFAULT_MODEL)
    session = onnxruntime.InferenceSession(
        str(network_file(model)), providers=["CPUExecutionProvider"]
    )
    embeddings = []
    for file in photographs(Path(sys.argv[1])):
        image = Image.open(file).convert("RGB")
        scale = model.shorter_side / min(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.BICUBIC)
        left, top = (image.width - model.crop) // 2, (image.height - model.crop) // 2
        image = image.crop((left, top, left + model.crop, top + model.crop))
        (output,) = session.run(None, {"pictures": np.asarray(image)[np.newaxis]})
        embeddings.append(output[0] / np.linalg.norm(output[0]))
    print(np.stack(embeddings).shape)


if __name__ == "__main__":
    main()
