"""A library that is served elsewhere, as if it were here."""

from lookgraph.interfaces.client.client import Client

__all__ = ["Client"]
