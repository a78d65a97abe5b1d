"""The similarity graph, from arrays to arrays."""
