"""How people reach a library. Thin: each calls `lookgraph.library` and shows what it says."""
