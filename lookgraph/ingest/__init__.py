"""From a folder to embeddings: discover, decode, pipeline."""
