"""The modules of a TorchScript archive as plain containers.

Its pickle holds objects of classes ``__torch__.…``, whose code is in the archive and never looked
at, with a dict of attributes each: tensors, other modules, and settings (``torch/csrc/jit``,
``serialization/pickler.cpp`` in torch's source).
"""

from dataclasses import replace

from lookgraph.models.checkpoints.pickles import Admitted, Instance, Name, RefusedError
from lookgraph.models.checkpoints.torch_tensors import Tensor

MOST_ATTRIBUTES = 50_000
"""CLIP's ViT-B-32 has some 10,000. Modules that share modules can pose as any number of them."""

LONGEST_NAME = 200

_SETTINGS = frozenset(
    {
        Name("torch", "device"),
        Name("torch.jit._pickle", "build_boollist"),
        Name("torch.jit._pickle", "build_doublelist"),
        Name("torch.jit._pickle", "build_intlist"),
        Name("torch.jit._pickle", "build_tensorlist"),
        Name("torch.jit._pickle", "restore_type_tag"),
    }
)
"""Calls that make settings; their first argument stands for what they make."""


def with_objects(admitted: Admitted) -> Admitted:
    """What a TorchScript module's pickle may hold beside what a state may hold."""

    def construct(name: Name, arguments: tuple[object, ...]) -> object:
        if name in _SETTINGS and arguments:
            return arguments[0]
        return admitted.construct(name, arguments)

    names = admitted.names | _SETTINGS
    return replace(admitted, names=names, construct=construct, is_class=_is_class)


def _is_class(name: Name) -> bool:
    return name.module == "__torch__" or name.module.startswith("__torch__.")


def state_of_module(module: Instance) -> dict[str, Tensor]:
    """The tensors of a module by dotted names, as its ``state_dict()`` names them.

    A module that is there twice has its tensors twice, as there. Attributes that are no tensors
    are left out. What ``state_dict()`` leaves out as well cannot be told from the rest without the
    archive's code, and is given: buffers that are not persistent.

    Raises:
        RefusedError: more attributes or longer names than a network has.
    """
    state: dict[str, Tensor] = {}
    waiting = [("", module)]
    met = 0
    while waiting:
        prefix, current = waiting.pop()
        met += len(current.attributes)
        if met > MOST_ATTRIBUTES:
            raise RefusedError(f"modules of more than {MOST_ATTRIBUTES} attributes")
        inner: list[tuple[str, Instance]] = []
        for key, value in current.attributes.items():
            if not isinstance(value, Tensor | Instance):
                continue
            if len(prefix) + len(key) > LONGEST_NAME:
                raise RefusedError(f"a name of more than {LONGEST_NAME} characters in a module")
            name = prefix + key
            if isinstance(value, Instance):
                inner.append((f"{name}.", value))
            elif name in state:
                raise RefusedError(f"two tensors of the name {name[:80]!r}")
            else:
                state[name] = value
        waiting.extend(reversed(inner))
    return state
