"""What `make_vit_reference` and its tests share: weights, as in `recipes`, pictures and texts."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .recipes import Shapes, State, uniform
from .reference import drawn

FILE = Path(__file__).with_name("vit-reference.npz")

TEXTS = (
    "red dress",
    "A photo of a CAT",
    "a photo of a cat, isn't it? they'll, we've, I'm, she'd",
    "crème brûlée au café déjà vu",
    "naïve façade — “smart quotes”",
    "don’t ‘quote’ me",
    "e\u0301te\u0301 in decomposed accents",
    "straße, GROSSE STRASSE, ΣΊΣΥΦΟΣ",
    "Привет, красное платье",
    "赤いドレス、猫の写真",
    "红色连衣裙",
    "ＦＵＬＬ　ｗｉｄｔｈ ｶﾀｶﾅ",
    "😀 smile 👩🏽‍💻 coder",
    "1234567890 3.14 x2 A4 1st",
    "fish &amp; chips &amp;lt;3 &eacute;",
    "one\ttwo\n\n  three\u00a0four  ",
    "!?!?... $%&*() #hashtag @user http://a.b/c?d=e",
    "ﬁne ﬂowers",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "the of and a " * 30,
    "a\u200bb \ufeffc",
    "<|endoftext|> special <|startoftext|>",
    "हिन्दी ภาษาไทย العربية",
    "½ ² ① Ⅷ",
    "the cat'ſ toy",
)


GRID = (16, 20)
"""Rows and columns that `grid` is resized to in the reference."""


def grid() -> NDArray[np.float32]:
    """Positions of 37 x 37 patches, shape (1369, 4)."""
    return uniform("grid", (37 * 37, 4), -1, 1)


def pictures() -> NDArray[np.uint8]:
    """A few, shape (3, 224, 224, 3)."""
    return np.stack([drawn(224, 224), drawn(224, 224)[::-1].copy(), drawn(448, 448)[:224, 111:335]])


def dinov2_shapes() -> Shapes:
    """The names in Meta's checkpoint."""
    width = 384
    shapes: Shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, 37 * 37 + 1, width),
        "mask_token": (1, width),
        "patch_embed.proj.weight": (width, 3, 14, 14),
        "patch_embed.proj.bias": (width,),
    }
    for number in range(12):
        block = f"blocks.{number}."
        shapes |= _dense(f"{block}norm1", (width,))
        shapes |= _dense(f"{block}attn.qkv", (3 * width, width))
        shapes |= _dense(f"{block}attn.proj", (width, width))
        shapes[f"{block}ls1.gamma"] = (width,)
        shapes |= _dense(f"{block}norm2", (width,))
        shapes |= _dense(f"{block}mlp.fc1", (4 * width, width))
        shapes |= _dense(f"{block}mlp.fc2", (width, 4 * width))
        shapes[f"{block}ls2.gamma"] = (width,)
    return shapes | _dense("norm", (width,))


def clip_shapes() -> Shapes:
    """The names in OpenAI's archive."""
    shapes: Shapes = {
        "positional_embedding": (77, 512),
        "text_projection": (512, 512),
        "logit_scale": (),
        "input_resolution": (),
        "context_length": (),
        "vocab_size": (),
        "visual.class_embedding": (768,),
        "visual.positional_embedding": (50, 768),
        "visual.proj": (768, 512),
        "visual.conv1.weight": (768, 3, 32, 32),
        "token_embedding.weight": (49408, 512),
    }
    for name in ("visual.ln_pre", "visual.ln_post"):
        shapes |= _dense(name, (768,))
    shapes |= _dense("ln_final", (512,))
    for tower, width in (("visual.transformer", 768), ("transformer", 512)):
        for number in range(12):
            block = f"{tower}.resblocks.{number}."
            shapes[f"{block}attn.in_proj_weight"] = (3 * width, width)
            shapes[f"{block}attn.in_proj_bias"] = (3 * width,)
            shapes |= _dense(f"{block}attn.out_proj", (width, width))
            shapes |= _dense(f"{block}ln_1", (width,))
            shapes |= _dense(f"{block}mlp.c_fc", (4 * width, width))
            shapes |= _dense(f"{block}mlp.c_proj", (width, 4 * width))
            shapes |= _dense(f"{block}ln_2", (width,))
    return shapes


def _dense(name: str, shape: tuple[int, ...]) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def seeded(shapes: Shapes) -> State:
    """Weights with which the values neither fade nor explode, each drawn after its name.

    What the tokens start as is small, so that what is added to a variance counts.
    """
    return {name: _tensor(name, shape) for name, shape in shapes.items()}


def of_clip() -> State:
    """CLIP's, float16 where those in OpenAI's archive are."""
    state = seeded(clip_shapes())
    whole = re.compile(r"ln_|token_embedding|positional_embedding|class_embedding|logit_scale")
    return {
        name: value if whole.search(name) else value.astype(np.float16)
        for name, value in state.items()
    }


def _tensor(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    if not shape:
        return np.array(7)
    if re.search(r"embed|_token", name) and "bias" not in name:
        return uniform(name, shape, -0.02, 0.02)
    if "conv1" in name:
        return uniform(name, shape, -0.002, 0.002)
    if name.endswith("gamma"):
        return uniform(name, shape, 0.1, 1.0)
    if len(shape) > 1:
        into = shape[0] if name.endswith("proj") or "projection" in name else shape[1]
        limit = math.sqrt(6 / into)
        return uniform(name, shape, -limit, limit)
    if name.endswith("weight"):  # of a normalisation
        return uniform(name, shape, 0.5, 1.5)
    return uniform(name, shape, -0.3, 0.3)
