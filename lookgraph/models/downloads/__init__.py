"""Fetches the files that networks are made of."""
