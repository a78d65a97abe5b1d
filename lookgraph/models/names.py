"""What a network of somebody's own is called."""

import re

from lookgraph.models.registry import MODELS

_LONGEST = 60


def own_name(text: str) -> str:
    """A name that is safe in a file's name and that the registry does not know.

    Args:
        text: what it should be called.

    Returns:
        1 to 64 of ``a-z``, ``0-9``, ``.``, ``_`` and ``-``, with a letter or a figure first. All
        else becomes ``-``; a name of the registry gets ``-own``.
    """
    name = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).lstrip("._-")[:_LONGEST].rstrip("._-")
    name = name or "network"
    return f"{name}-own" if any(model.name == name for model in MODELS) else name
