"""Values that somebody gave, by key, and refusals of those that are not what they should be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard, TypeVar

from lookgraph.errors import UsageError
from lookgraph.models.model import Three

LARGEST_SIDE = 4096
_LARGEST = 1e6
_SMALLEST_DIVISOR = 1e-6
_MOST_CHARACTERS = 200

_T = TypeVar("_T", bound=str)


@dataclass(frozen=True, slots=True)
class Told:
    """A value, and where it was given."""

    where: str
    value: object


@dataclass(frozen=True, slots=True)
class Values:
    """Typed values by key, None for those not given; others raise UsageError."""

    told: Mapping[str, Told]

    def text(self, key: str) -> str | None:
        """A text that can be printed."""
        value = self._value(key)
        if value is None or (isinstance(value, str) and _is_text(value)):
            return value
        raise self._refused(key, f"a text in quotes, of 1 to {_MOST_CHARACTERS} characters")

    def word(self, key: str, words: tuple[_T, ...]) -> _T | None:
        """One of these words."""
        value = self._value(key)
        if value is None:
            return None
        for word in words:
            if word == value:
                return word
        raise self._refused(key, " or ".join(f'"{word}"' for word in words))

    def side(self, key: str) -> int | None:
        """A number of pixels."""
        value = self._value(key)
        if value is None or _is_side(value):
            return value
        raise self._refused(key, f"a whole number from 1 to {LARGEST_SIDE}")

    def size(self, key: str) -> tuple[int, int] | None:
        """Height and width in pixels, which one number may say for both."""
        match self._value(key):
            case None:
                return None
            case [height, width] if _is_side(height) and _is_side(width):
                return height, width
            case side if _is_side(side):
                return side, side
        raise self._refused(key, f"a whole number from 1 to {LARGEST_SIDE}, or [height, width]")

    def three(self, key: str) -> Three | None:
        """A number for each channel, which one number may say for all."""
        match self._value(key):
            case None:
                return None
            case [a, b, c] if _is_number(a) and _is_number(b) and _is_number(c):
                return float(a), float(b), float(c)
            case one if _is_number(one):
                return float(one), float(one), float(one)
        raise self._refused(key, "a number or three, such as 0.5 or [0.485, 0.456, 0.406]")

    def divisors(self, key: str) -> Three | None:
        """Likewise, of numbers over zero."""
        numbers = self.three(key)
        if numbers and min(numbers) < _SMALLEST_DIVISOR:
            raise self._refused(key, "more than zero")
        return numbers

    def divisor(self, key: str) -> float | None:
        """A number over zero."""
        value = self._value(key)
        if value is None or (_is_number(value) and value >= _SMALLEST_DIVISOR):
            return value
        raise self._refused(key, "a number over zero, such as 1 or 255")

    def _value(self, key: str) -> object:
        return self.told[key].value if key in self.told else None

    def _refused(self, key: str, wanted: str) -> UsageError:
        one = self.told[key]
        return UsageError(f"{one.where}: {key} must be {wanted}, not {str(one.value)[:80]!r}")


def _is_text(value: str) -> bool:
    return 1 <= len(value) <= _MOST_CHARACTERS and value.isprintable()


def _is_side(value: object) -> TypeGuard[int]:
    return type(value) is int and 1 <= value <= LARGEST_SIDE


def _is_number(value: object) -> TypeGuard[float]:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST
    )
