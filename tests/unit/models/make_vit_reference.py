"""Write vit-reference.npz: what the original networks and tokenizer make of the same weights.

Run once, in a throw-away environment, never in the project's own::

    pip install torch==1.12.1 torchvision==0.13.1 "numpy<2" pillow==12.3.0 \
        openai-clip==1.0.1 timm==0.9.16 ftfy==6.3.1    # Python 3.10
    cd tests/unit && PYTHONPATH=../.. python -m models.make_vit_reference

openai-clip is OpenAI's own code and carries the vocabulary. DINOv2's code is on no index; timm's
network is the same on positions of the right size, which are made here as DINOv2's code does it
(``interpolate_pos_encoding`` in ``dinov2/models/vision_transformer.py``).
"""

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookgraph.models.registry import find_model

from .transformers import FILE, GRID, TEXTS, dinov2_shapes, grid, of_clip, pictures, seeded


def main() -> None:
    import torch  # type: ignore[import-not-found]

    tokens, merges = with_vocabulary()
    clip = with_clip(tokens)
    dinov2 = with_timm()
    for name, values in {"dinov2": dinov2, **clip}.items():
        print(name, values.shape, values.std(), np.abs(values[0] - values[1]).mean())
    print("tokens", tokens.shape, "merges", len(merges))
    np.savez_compressed(
        FILE,
        grid=resized(torch.from_numpy(grid()), *GRID).numpy(),
        dinov2=dinov2,
        clip=clip["pictures"],
        clip_text=clip["texts"],
        tokens=tokens.astype(np.uint16),
        ranks=np.array(list(merges.values()), np.uint16),
        merges=np.array(list(merges)),
    )


def normalised(model: str) -> Any:
    """The pictures as torchvision's ToTensor and Normalize give them."""
    import torch

    preparation = find_model(model).preparation
    values = torch.from_numpy(pictures()).permute(0, 3, 1, 2).float() / 255
    mean, deviation = (
        (torch.tensor(numbers) / 255).reshape(3, 1, 1)
        for numbers in (preparation.mean, preparation.deviation)
    )
    return (values - mean) / deviation


def with_timm() -> NDArray[np.float32]:
    import timm  # type: ignore[import-not-found]
    import torch

    state = {name: torch.from_numpy(value) for name, value in seeded(dinov2_shapes()).items()}
    del state["mask_token"]
    positions = state["pos_embed"]
    rest = resized(positions[0, 1:], 16, 16)
    state["pos_embed"] = torch.cat((positions[:, :1], rest[None]), dim=1)
    network = timm.create_model("vit_small_patch14_dinov2", img_size=224, num_classes=0)
    network.load_state_dict(state, strict=True)
    with torch.no_grad():
        tokens = network.eval().forward_features(normalised("dinov2-small"))
    result: NDArray[np.float32] = tokens[:, 0].numpy()
    return result


def resized(positions: Any, rows: int, columns: int) -> Any:
    import torch

    width = positions.shape[1]
    grid = positions.reshape(1, 37, 37, width).permute(0, 3, 1, 2)
    scales = (float(rows + 0.1) / 37, float(columns + 0.1) / 37)
    grid = torch.nn.functional.interpolate(grid, scale_factor=scales, mode="bicubic")
    assert grid.shape[-2:] == (rows, columns)
    return grid.permute(0, 2, 3, 1).reshape(-1, width)


def with_clip(tokens: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    import torch
    from clip.model import build_model  # type: ignore[import-not-found]

    state = {name: torch.from_numpy(np.array(value)) for name, value in of_clip().items()}
    network = build_model(state).float()
    with torch.no_grad():
        return {
            "pictures": network.encode_image(normalised("clip-vit-b32")).numpy(),
            "texts": network.encode_text(torch.from_numpy(tokens)).numpy(),
        }


def with_vocabulary() -> tuple[NDArray[np.int64], dict[str, int]]:
    """The texts' tokens, and all merges that could ever play a part in them, with their ranks."""
    import clip  # type: ignore[import-not-found]
    from clip.simple_tokenizer import SimpleTokenizer, default_bpe  # type: ignore[import-not-found]

    text = find_model("clip-vit-b32").text
    assert text
    data = Path(default_bpe()).read_bytes()
    assert hashlib.sha256(data).hexdigest() == text.vocabulary.digest
    lines = gzip.decompress(data).decode().split("\n")[1 : 49152 - 256 - 2 + 1]

    tokenizer = SimpleTokenizer()
    tokens = clip.tokenize(list(TEXTS), truncate=True).numpy().astype(np.int64)
    words = {word for row in tokens.tolist() for word in spelled(tokenizer, row)}
    merges = {
        line: rank
        for rank, line in enumerate(lines)
        if any("".join(line.split()) in word for word in words)
    }
    return tokens, merges


def spelled(tokenizer: Any, row: list[int]) -> list[str]:
    """The words of a row of tokens in the tokenizer's alphabet, each with its end."""
    symbols = "".join(tokenizer.decoder[token] for token in row if 0 < token < 49406)
    return [f"{word}</w>" for word in symbols.split("</w>") if word]


if __name__ == "__main__":
    main()
