"""A local library, copied to a Neo4j server and kept in step there."""
