"""Where a library is kept: what files there are, what is in them, and their embeddings."""
