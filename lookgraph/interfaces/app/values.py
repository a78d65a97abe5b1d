"""What stands in an address. It is read without trust: what is none of it is None."""

import re

_ID = re.compile(r"[0-9a-f]{64}")
_MOST_DIGITS = 8
_LARGEST = 1e6


def is_id(told: str) -> bool:
    """Whether it is a picture's id: the 64 hexadecimal digits of a SHA-256."""
    return bool(_ID.fullmatch(told))


def whole(told: str) -> int | None:
    """A number of at most eight decimal digits, from 0."""
    fits = told.isascii() and told.isdigit() and len(told) <= _MOST_DIGITS
    return int(told) if fits else None


def number(told: str) -> float | None:
    """A finite number below a million, with either sign."""
    try:
        found = float(told)
    except ValueError:
        return None
    return found if -_LARGEST < found < _LARGEST else None


def waiting(address: str, name: str) -> str:
    """An address that waits for one more value.

    Args:
        address: with a question mark or without.
        name: of the value, which is to be put behind it.
    """
    joint = "" if address.endswith("?") else "&" if "?" in address else "?"
    return f"{address}{joint}{name}="
