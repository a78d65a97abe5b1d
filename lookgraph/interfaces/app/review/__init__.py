"""Deciding about duplicates: what the address asks, what is shown, and what is done."""
