"""How a Neo4j server is reached: its address, what it can, its errors, and changes to it."""
