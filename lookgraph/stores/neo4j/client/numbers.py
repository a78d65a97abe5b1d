"""Embeddings on their way to the server."""

from lookgraph.types import Array


class Numbers(list[float]):
    """A list of numbers that does not write itself out.

    The driver makes a line of each statement with its values, for a log that nobody keeps. Of a
    list, that takes ten times as long as to send it; of a NumPy array, half as long, and packing
    that takes longer.
    """

    @staticmethod
    def of(embedding: Array) -> "Numbers":
        """Those of an embedding, shape (d,)."""
        return Numbers(embedding.tolist())

    def __repr__(self) -> str:
        return f"<{len(self)} numbers>"
