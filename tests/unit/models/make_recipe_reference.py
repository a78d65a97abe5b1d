"""Write recipe-*.npz: what the recipes' own frameworks make of the reference pictures.

Run once, in two throw-away environments, never in the project's own::

    pip install torch==1.12.1 torchvision==0.13.1 "numpy<2" pillow==12.3.0    # Python 3.10
    cd tests/unit && PYTHONPATH=../.. python -m models.make_recipe_reference torch PHOTOGRAPHS

    pip install tensorflow-cpu==2.21.0 keras==3.15.1 h5py==3.14.0 \
        opencv-python-headless==5.0.0.93 pillow==12.3.0
    cd tests/unit && PYTHONPATH=../.. python -m models.make_recipe_reference keras PHOTOGRAPHS

PHOTOGRAPHS is the folder that the fixture ``photographs`` has, with a folder for each class. The
pictures are opened and prepared as the recipes do it: Pillow's ``convert("RGB")``, then what the
framework offers. Pillow must be older than 13, which resizes tall pictures in another order.
OpenCV 4.10 gives the same pixels as 5.0.
"""

import io
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .recipes import (
    PHOTOGRAPHS,
    SAMPLE,
    State,
    made_pictures,
    reference_file,
    resnet50_shapes,
    seeded,
    vgg16_keras_shapes,
    vgg16_torch_shapes,
)

Prepare = Callable[[bytes], tuple[NDArray[np.uint8], Any]]
"""From a file to the pixels, (224, 224, 3), and to what the network takes."""


def main() -> None:
    framework, photographs = sys.argv[1], Path(sys.argv[2])
    files = made_pictures()
    files |= {name: (photographs / name).read_bytes() for name in PHOTOGRAPHS}
    {"torch": with_torch, "keras": with_keras}[framework](files)


def write(
    recipe: str,
    files: Mapping[str, bytes],
    prepare: Prepare,
    embed: Callable[[Any], NDArray[np.float32]],
) -> None:
    prepared = [prepare(data) for data in files.values()]
    embeddings = np.stack([embed(given) for _, given in prepared])
    print(recipe, embeddings.shape, embeddings.mean(axis=1), (embeddings == 0).mean())
    np.savez_compressed(
        reference_file(recipe),
        names=np.array(list(files)),
        pixels=np.stack([pixels[::SAMPLE, ::SAMPLE] for pixels, _ in prepared]),
        embeddings=embeddings,
    )


def with_torch(files: Mapping[str, bytes]) -> None:
    import torch  # type: ignore[import-not-found]
    from torchvision import models  # type: ignore[import-not-found]
    from torchvision.transforms import functional  # type: ignore[import-not-found]

    def prepare(weights: Any) -> Prepare:
        transform = weights.transforms()

        def prepared(data: bytes) -> tuple[NDArray[np.uint8], Any]:
            image = Image.open(io.BytesIO(data)).convert("RGB")
            resized = functional.resize(image, transform.resize_size, transform.interpolation)
            cut = functional.center_crop(resized, transform.crop_size)
            return np.asarray(cut), transform(image)[None]

        return prepared

    def embed(network: Any) -> Callable[[Any], NDArray[np.float32]]:
        def embedded(given: Any) -> NDArray[np.float32]:
            with torch.no_grad():
                result: NDArray[np.float32] = network(given).flatten().numpy()
            return result

        return embedded

    def load(network: Any, state: State) -> Any:
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
        network.load_state_dict(tensors, strict=True)
        return network.eval()

    resnet50 = load(models.resnet50(), seeded(resnet50_shapes()))
    to_pool = embed(torch.nn.Sequential(*list(resnet50.children())[:-1]))
    first, second = (
        models.ResNet50_Weights.IMAGENET1K_V1,
        models.ResNet50_Weights.IMAGENET1K_V2,
    )
    write("resnet50", files, prepare(first), to_pool)
    write("resnet50-v2", files, prepare(second), to_pool)

    vgg16 = load(models.vgg16(), seeded(vgg16_torch_shapes()))
    to_first = torch.nn.Sequential(
        vgg16.features, vgg16.avgpool, torch.nn.Flatten(), *vgg16.classifier[:2]
    )
    write("vgg16-torch", files, prepare(models.VGG16_Weights.IMAGENET1K_V1), embed(to_first.eval()))


def with_keras(files: Mapping[str, bytes]) -> None:
    import cv2  # type: ignore[import-not-found]
    import keras  # type: ignore[import-not-found]

    whole = keras.applications.VGG16(weights=None)
    with tempfile.TemporaryDirectory() as folder:
        published = Path(folder, "vgg16.h5")
        write_published(published, [layer.name for layer in whole.layers])
        whole.load_weights(published)
    to_fc1 = keras.Model(whole.input, whole.get_layer("fc1").output)

    def given(pixels: NDArray[np.uint8]) -> Any:
        return keras.applications.vgg16.preprocess_input(pixels[None].astype(np.float32))

    def as_keras(data: bytes) -> tuple[NDArray[np.uint8], Any]:
        image = keras.utils.load_img(
            io.BytesIO(data), target_size=(224, 224), interpolation="bilinear"
        )
        values = keras.utils.img_to_array(image)
        return np.asarray(image), keras.applications.vgg16.preprocess_input(values[None])

    def as_opencv(data: bytes) -> tuple[NDArray[np.uint8], Any]:
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        squashed = cv2.resize(pixels, (224, 224))
        return squashed, given(squashed)

    def embed(values: Any) -> NDArray[np.float32]:
        result: NDArray[np.float32] = to_fc1.predict(values, verbose=0)[0]
        return result

    write("vgg16", files, as_keras, embed)
    write("vgg16-cv2", files, as_opencv, embed)


def write_published(file: Path, layers: list[str]) -> None:
    """Seeded weights in the form of Keras' published file."""
    import h5py

    state = seeded(vgg16_keras_shapes())
    with h5py.File(file, "w") as root:
        root.attrs["layer_names"] = [name.encode() for name in layers]
        for layer in layers:
            group = root.create_group(layer)
            names = [f"{layer}_W_1:0", f"{layer}_b_1:0"]
            names = [name for name in names if name in state]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name in names:
                group[name] = state[name]


if __name__ == "__main__":
    main()
