"""Pictures found on a Neo4j server, by their embeddings and by statements of one's own."""
