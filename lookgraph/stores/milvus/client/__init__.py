"""The driver, wrapped: questions with time limits, errors of ours, and one writer at a time."""
