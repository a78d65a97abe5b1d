"""What people ask the similarity graph of a library."""

from lookgraph.graphs.facade import LibraryGraph

__all__ = ["LibraryGraph"]
