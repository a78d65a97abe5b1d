"""CLIP's tokenizer: from texts to the numbers that its tower for texts takes.

As OpenAI's (https://github.com/openai/CLIP, ``clip/simple_tokenizer.py``): byte pair encoding
(Sennrich et al. 2016, arXiv:1508.07909) of lower-cased words, whose last part is marked with
``</w>``. The file of its vocabulary has a head line, then the pairs to merge, the first first.
"""

import gzip
import html
import unicodedata
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lookgraph.errors import CheckpointError, MissingExtraError, UsageError
from lookgraph.types import Integers

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MOST_BYTES = 8_000_000
"""Of the unpacked file; the published one has 3.2 million."""

_MARKS = ("<|startoftext|>", "<|endoftext|>")
_END_OF_WORD = "</w>"
_TOKENS = 49408
_MERGES = _TOKENS - 2 * 256 - len(_MARKS)
"""Each pair makes a token, beside those for each byte, within a word and at its end, and the marks.
The file has more pairs; these are used."""

_PARTS = (
    r"(?i)<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d"
    r"|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"
)
"""What a text is cut into."""


class ClipTokenizer:
    """CLIP's tokenizer.

    Args:
        vocabulary: ``bpe_simple_vocab_16e6.txt.gz``.
        length: the tokens in a row.

    Raises:
        MissingExtraError: the package tokenizers is not installed.
        CheckpointError: the file cannot be read, or is no such vocabulary.
    """

    def __init__(self, vocabulary: Path, length: int) -> None:
        self._tokenizer = _tokenizer(vocabulary)
        self._length = length

    def tokens(self, texts: Sequence[str]) -> Integers:
        """The tokens of some texts.

        Returns:
            int64, shape (n, length): of each text its start, its tokens and its end, then zeros. A
            text that is too long is cut, and ends as others do.

        Raises:
            UsageError: a text has no words.
        """
        rows = np.zeros((len(texts), self._length), np.int64)
        for row, text in zip(rows, texts, strict=True):
            inner = self._tokenizer.encode(clean(text)).ids[: self._length - len(_MARKS)]
            if not inner:
                raise UsageError(f"there are no words to search for in {text!r}")
            row[: len(inner) + len(_MARKS)] = [_TOKENS - 2, *inner, _TOKENS - 1]
        return rows


def _tokenizer(vocabulary: Path) -> "Tokenizer":
    try:
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    except ImportError as error:
        raise MissingExtraError("Asking with words", "text") from error
    merges = _read_merges(vocabulary)
    numbers = _numbers(merges, vocabulary)
    tokenizer = Tokenizer(models.BPE(numbers, merges, end_of_word_suffix=_END_OF_WORD))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PARTS), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    # Somebody may write them out.
    tokenizer.add_special_tokens(list(_MARKS))
    return tokenizer


def _read_merges(vocabulary: Path) -> list[tuple[str, str]]:
    """The pairs that are merged, the first first."""
    try:
        with gzip.open(vocabulary) as stream:
            data = stream.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise CheckpointError(f"cannot read the vocabulary {vocabulary}: {why}") from error
    if len(data) > _MOST_BYTES:
        raise _refused(vocabulary, f"it has more than {_MOST_BYTES} bytes")
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise _refused(vocabulary, str(error)) from error
    if len(lines) <= _MERGES:
        raise _refused(vocabulary, f"it has {len(lines) - 1} pairs instead of {_MERGES}")
    parts = (line.partition(" ") for line in lines[1 : _MERGES + 1])
    return [(first, second) for first, _, second in parts]


def _numbers(merges: list[tuple[str, str]], vocabulary: Path) -> dict[str, int]:
    """The tokens with their numbers."""
    letters = _letters()
    tokens = [*letters, *(letter + _END_OF_WORD for letter in letters)]
    known = set(tokens)
    for first, second in merges:
        if first not in known or second not in known:
            raise _refused(vocabulary, f"in {first!r} {second!r}, one comes from nowhere")
        tokens.append(first + second)
        known.add(first + second)
    return {token: number for number, token in enumerate([*tokens, *_MARKS])}


def _letters() -> list[str]:
    """A visible letter for each byte, in CLIP's order: first those that have one in Latin-1."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return [chr(byte) for byte in visible] + [chr(0x100 + i) for i in range(256 - len(visible))]


def _refused(vocabulary: Path, why: str) -> CheckpointError:
    return CheckpointError(f"{vocabulary} is not CLIP's vocabulary: {why}")


# Cleaning


def clean(text: str) -> str:
    """A text as CLIP's tokenizer takes it: lower-cased, with one space between its words.

    The original lets the package ftfy repair texts first. Of that, what happens to texts that are
    right is done here: HTML's entities, curled quotes, ligatures, letters of other widths, control
    characters, and the composition of accents. What ftfy does to texts that were decoded with the
    wrong encoding is left out.
    """
    text = html.unescape(html.unescape(text)).translate(_PLAIN)
    # Halves of characters from a broken decoding.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return " ".join(unicodedata.normalize("NFC", text).split()).lower()


def _plain() -> dict[int, str | None]:
    table: dict[int, str | None] = {0x3000: " "}
    for first, last in _COMPOUNDS:
        for code in range(first, last + 1):
            table[code] = unicodedata.normalize("NFKC", chr(code)).replace("\u02bc", "'")
    table |= dict.fromkeys([0x2BC, *range(0x2018, 0x201C)], "'")
    table |= dict.fromkeys(range(0x201C, 0x2020), '"')
    for first, last in _CONTROLS:
        table |= dict.fromkeys(range(first, last + 1))
    return table


_COMPOUNDS = (
    (0x132, 0x133),
    (0x149, 0x149),
    (0x1C4, 0x1CC),
    (0x1F1, 0x1F3),
    (0xFB00, 0xFB06),
    (0xFF01, 0xFFEF),
)
"""Ligatures, pairs of letters, and letters of full or half width."""

_CONTROLS = (
    (0, 8),
    (0xB, 0xB),
    (0xE, 0x1F),
    (0x7F, 0x7F),
    (0x206A, 0x206F),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFC),
)

_PLAIN = _plain()
"""What takes the place of characters; None for nothing."""
