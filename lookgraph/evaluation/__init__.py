"""How good the answers are, measured on pictures whose class is known."""
