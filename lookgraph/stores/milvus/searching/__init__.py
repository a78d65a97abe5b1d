"""Finding what is near a query, among what may answer, and putting it in order."""
