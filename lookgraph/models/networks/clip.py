"""CLIP ViT-B/32 (Radford et al. 2021, arXiv:2103.00020): its towers for pictures and for texts.

The tensors have the names of https://github.com/openai/CLIP. In its archive most are float16; they
are computed with as float32, as there on a CPU.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper

from lookgraph.errors import ModelError
from lookgraph.models.model import Model
from lookgraph.models.networks.onnx_graph import OnnxGraph
from lookgraph.models.networks.transformer import Style, block, dense, layer_norm, quick_gelu
from lookgraph.models.networks.vit import class_token, patch_tokens, patches
from lookgraph.types import Array

_BLOCKS = 12
"""In either tower."""

_PATCH = 32
_SIDE = 7
"""Patches along a side of a picture."""

_PICTURE_WIDTH = 768
_TEXT_WIDTH = 512
_VOCABULARY = 49408
_LENGTH = 77

_STYLE = Style(
    attention_norm="ln_1",
    attention_input="attn.in_proj_",
    attention_output="attn.out_proj",
    dense_norm="ln_2",
    widen="mlp.c_fc",
    narrow="mlp.c_proj",
    scales=None,
    activation=quick_gelu,
    epsilon=1e-5,
)

_PICTURE = "visual."
_TEXT = ("transformer.", "token_embedding.", "positional_embedding", "ln_final.", "text_projection")
"""How the names of each tower's tensors start."""

_REST = ("logit_scale", "input_resolution", "context_length", "vocab_size")


def clip_vit_b32(state: Mapping[str, Array], model: Model) -> onnx.ModelProto:
    """CLIP's tower for pictures: 512 numbers.

    Args, result and errors are those of `build_network`.
    """
    if patches(model, _PATCH) != (_SIDE, _SIDE):
        sides = (model.preparation.width, model.preparation.height)
        raise ModelError(
            f"{model.name} cannot take pictures of {sides[0]} x {sides[1]}: "
            f"it needs {_SIDE * _PATCH} x {_SIDE * _PATCH}"
        )
    graph = OnnxGraph(state)
    graph.leave_out(*_REST, *(name for name in state if name.startswith(_TEXT)))
    width, tokens = _PICTURE_WIDTH, _SIDE**2 + 1
    weight = graph.tensor("visual.conv1.weight", (width, 3, _PATCH, _PATCH))
    positions = graph.tensor("visual.positional_embedding", (tokens, width)).astype(np.float32)
    positions[0] += graph.tensor("visual.class_embedding", (width,))
    top = patch_tokens(graph, model, weight, np.zeros(width), positions)
    top = layer_norm(graph, top, "visual.ln_pre", width, _STYLE.epsilon)
    for number in range(_BLOCKS):
        top = block(graph, top, f"visual.transformer.resblocks.{number}.", _STYLE, width)
    top = layer_norm(graph, class_token(graph, top), "visual.ln_post", width, _STYLE.epsilon)
    projection = graph.tensor("visual.proj", (width, model.dimension))
    return graph.finish(dense(graph, top, "visual.proj", projection.T), model)


def clip_vit_b32_text(state: Mapping[str, Array], model: Model) -> onnx.ModelProto:
    """CLIP's tower for texts: 512 numbers.

    Args and errors are those of `build_network`.

    Returns:
        A network from ``tokens``, int64 (n, 77), to ``embeddings``, float32 (n, 512), not
        normalised. Each row ends with the token of the highest number, the end of the text; what
        comes after it does not count.
    """
    graph = OnnxGraph(state)
    graph.leave_out(*_REST, *(name for name in state if name.startswith(_PICTURE)))
    width = _TEXT_WIDTH
    words = graph.tensor("token_embedding.weight", (_VOCABULARY, width))
    positions = graph.tensor("positional_embedding", (_LENGTH, width))
    top = graph.node("Gather", [graph.constant("token_embedding", words), "tokens"], axis=0)
    top = graph.node("Add", [top, graph.constant("positions", positions)])
    # A token sees itself and those before it.
    mask = graph.constant("mask", np.triu(np.full((_LENGTH, _LENGTH), -np.inf), k=1))
    for number in range(_BLOCKS):
        top = block(graph, top, f"transformer.resblocks.{number}.", _STYLE, width, mask)
    last = graph.node("ArgMax", ["tokens"], axis=1, keepdims=1)
    top = graph.node("GatherND", [top, last], batch_dims=1)
    top = layer_norm(graph, top, "ln_final", width, _STYLE.epsilon)
    projection = graph.tensor("text_projection", (width, model.dimension))
    network = graph.finish(dense(graph, top, "text_projection", projection.T), model)
    # In place of the pictures.
    del network.graph.input[:]
    network.graph.input.append(
        helper.make_tensor_value_info("tokens", TensorProto.INT64, ["n", _LENGTH])
    )
    return network
