"""Ranking better than by the score alone, from arrays to arrays."""
