"""What things are called in a database: the names of the published recipe, or people's own."""

import re
from dataclasses import dataclass, fields

from lookgraph.errors import UsageError

_NAME = re.compile(r"[^\W\d]\w{0,63}")
"""A letter or underscore, then letters, digits and underscores, of any script."""


_NO_PROPERTIES = ("label", "relation", "score")
_OWN_PROPERTIES = ("row", "graph_norm")
"""A picture's place in the order in which they were stored, which is what ties go by; and what
ranking keeps of it."""

_OWN_RELATIONS = ("LOOKGRAPH_SHOWS", "SAME_AS", "DIFFERENT_FROM")
_OWN_NODES = ("File", "Space", "Library", "Lock")


@dataclass(frozen=True, slots=True)
class Names:
    """The label, relation and properties of pictures. `check` makes them safe to put into Cypher.

    Attributes:
        label: of pictures. A picture's node has the label ``Lookgraph`` with this behind it too,
            which tells it from other people's nodes of the same label.
        relation: between two pictures that are alike.
        score: its property: how much they are.
        id: the SHA-256 of a picture's bytes.
        path: the first of its files, relative to the library's folder.
        embeddings: of the library's first space.
        copies: the paths of further files with the same bytes.
        format: as Pillow names it.
        width: in pixels.
        height: in pixels.
        taken: when, ``YYYY-MM-DDTHH:MM:SS``.
        group: the number of the group that it is in, where groups are written back.
        community: likewise, of communities.
    """

    label: str = "Image"
    relation: str = "SIMILAR_TO"
    score: str = "score"
    id: str = "id"
    path: str = "path"
    embeddings: str = "embeddings"
    copies: str = "copies"
    format: str = "format"
    width: str = "width"
    height: str = "height"
    taken: str = "taken"
    group: str = "group"
    community: str = "community"

    def __post_init__(self) -> None:
        """Refuse what is no name.

        Raises:
            UsageError: a name has characters that names do not have, or two are the same.
        """
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        for what, name in given.items():
            if not _NAME.fullmatch(name):
                raise UsageError(
                    f"{name!r} is no name for {what}: a name has letters, digits and underscores, "
                    "begins with no digit, and has 64 characters at most."
                )
        if self.relation in _OWN_RELATIONS:
            raise UsageError(f"{self.relation} means something else to Lookgraph: name another.")
        if self.label.endswith(_OWN_NODES):
            raise UsageError(
                f"{self.label} is no label for pictures: with Lookgraph before it, it may be one "
                f"of another library's own. It must not end with {', '.join(_OWN_NODES)}."
            )
        properties = [name for what, name in given.items() if what not in _NO_PROPERTIES]
        for name in properties:
            if properties.count(name) > 1 or name in _OWN_PROPERTIES:
                raise UsageError(f"Two properties of pictures cannot both be called {name!r}.")

    def own(self, what: str = "") -> str:
        """The label of nodes that Lookgraph keeps for itself: ``LookgraphImage`` and what follows.

        Args:
            what: empty for pictures, or ``File``, ``Space``, ``Library``, ``Lock``.
        """
        return f"Lookgraph{self.label}{what}"


USUAL = Names()
"""Those of the recipe."""
