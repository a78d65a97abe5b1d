"""Whether two pictures are the same photograph, from their pixels, from arrays to arrays."""
