"""CLIP's tokens are those of OpenAI's tokenizer, and texts become embeddings.

The vocabulary is not here, only those of its pairs that can play a part in the reference's texts:
each stands at its place in a file of the same form, among pairs of bytes that no text has.
"""

import gzip
import itertools
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.errors import CheckpointError, MissingExtraError, ModelError, UsageError
from lookgraph.models.model import Model
from lookgraph.models.networks import build_network
from lookgraph.models.registry import find_model
from lookgraph.models.texts import TextEmbedder, open_text_embedder
from lookgraph.models.tokens import ClipTokenizer, clean
from tests.conftest import needs_module

from .transformers import FILE, TEXTS, of_clip

MERGES = 49152 - 256 - 2
START, END = 49406, 49407
NEVER_IN_UTF8 = [chr(byte) for byte in (0xC0, 0xC1, *range(0xF5, 0x100))]
"""The letters of the bytes that UTF-8 does not use."""


def merges() -> list[str]:
    """The vocabulary's lines: the true ones where they matter, others between them."""
    with np.load(FILE) as file:
        true = dict(zip(file["ranks"].tolist(), file["merges"].tolist(), strict=True))
    others = (
        f"{''.join(begin)} {end}"
        for length in itertools.count(1)
        for *begin, end in itertools.product(NEVER_IN_UTF8, repeat=length + 1)
    )
    return [true.get(rank) or next(others) for rank in range(MERGES)]


def write(file: Path, lines: list[str]) -> Path:
    """A vocabulary as OpenAI's: with a head line, and more pairs than are used."""
    text = "\n".join(["#version: 0.2", *lines, "be yond", ""])
    file.write_bytes(gzip.compress(text.encode(), compresslevel=1))
    return file


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs_module("tokenizers")
    return write(tmp_path_factory.mktemp("vocabulary") / "vocab.txt.gz", merges())


@pytest.fixture(scope="module")
def tokenizer(vocabulary: Path) -> ClipTokenizer:
    return ClipTokenizer(vocabulary, 77)


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_tokens_are_those_of_openai(number: int, tokenizer: ClipTokenizer) -> None:
    with np.load(FILE) as file:
        expected = file["tokens"][number]

    (tokens,) = tokenizer.tokens([TEXTS[number]])

    assert tokens.dtype == np.int64
    assert tokens.tolist() == expected.tolist()


def test_a_long_text_is_cut(tokenizer: ClipTokenizer) -> None:
    long, longer = tokenizer.tokens(["red " * 75, "red " * 400])

    assert long.tolist() == [START, *[long[1]] * 75, END]
    assert longer.tolist() == long.tolist()


@pytest.mark.parametrize("text", ["", "  \t\n", "\x00\x01", "&nbsp;", "\ufeff"])
def test_a_text_without_words_is_refused(text: str, tokenizer: ClipTokenizer) -> None:
    with pytest.raises(UsageError, match="no words to search for in '"):
        tokenizer.tokens(["red", text])


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  Red\t DRESS\r\n", "red dress"),
        ("caf&eacute; &amp;amp; &lt;b&gt;", "café & <b>"),
        ("“it’s” ‘so’ isnʼt", "\"it's\" 'so' isn't"),
        ("e\u0301te\u0301", "été"),
        ("ﬂower ﬁeld Ǆ ŉ", "flower field dž 'n"),
        ("ＲＥＤ　ｶﾞ１", "red ガ1"),
        ("a\x00b\x7fc\ufeffd", "abcd"),
        ("\ud83d\ude00 \ud83d!", "😀 \ufffd!"),
        ("ΟΔΟΣ İ", "οδος i\u0307"),
    ],
)
def test_texts_are_cleaned(text: str, cleaned: str) -> None:
    """As OpenAI's tokenizer does it with ftfy 6.3.1."""
    assert clean(text) == cleaned


@given(text=st.text())
def test_any_text_has_tokens_or_is_refused(tokenizer: ClipTokenizer, text: str) -> None:
    if not clean(text):
        return
    (tokens,) = tokenizer.tokens([text])
    end = tokens.tolist().index(END, 1)
    assert tokens[0] == START
    assert not tokens[end + 1 :].any()


# The algorithm, written out

CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")
PLAIN = st.text("aAbcdDeEghilLmMnoOrsStTvVxyÉßñΣςдЖ赤いド红色😀👩٣½²19''.,!?-_/#@<|>\t\n \u00a0")
WORDS = st.lists(PLAIN | st.sampled_from([word for text in TEXTS[:4] for word in text.split()]))


@given(text=WORDS.map(" ".join).filter(str.strip))
def test_tokens_are_those_of_the_algorithm(oracle: "Oracle", text: str) -> None:
    plain = " ".join(text.split()).lower()

    (tokens,) = oracle.ours.tokens([text])

    words = [token for part in parts(plain) for token in pair_encoded(part, oracle.ranks)]
    expected = [START, *(oracle.numbers[token] for token in words), END, 0]
    assert tokens[: len(expected)].tolist() == expected


class Oracle(NamedTuple):
    """The numbers of all tokens, the ranks of all pairs, and the tokenizer with long rows."""

    numbers: dict[str, int]
    ranks: dict[tuple[str, ...], int]
    ours: ClipTokenizer


@pytest.fixture(scope="module")
def oracle(vocabulary: Path) -> Oracle:
    pairs = [tuple(line.split()) for line in merges()]
    letters = list(LETTERS.values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, pairs)]
    numbers = {token: number for number, token in enumerate(tokens)}
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    return Oracle(numbers, ranks, ClipTokenizer(vocabulary, 10_000))


def byte_letters() -> dict[int, str]:
    """Latin-1's for the bytes that have a visible one there, and then further characters."""
    visible = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in visible]
    further = {byte: chr(256 + number) for number, byte in enumerate(rest)}
    return {byte: chr(byte) for byte in visible} | further


LETTERS = byte_letters()


def pair_encoded(part: str, ranks: dict[tuple[str, ...], int]) -> list[str]:
    """Merge the pair of the lowest rank wherever it is, until there is none."""
    word = [LETTERS[byte] for byte in part.encode()]
    word[-1] += "</w>"
    while known := {pair for pair in itertools.pairwise(word) if pair in ranks}:
        best = min(known, key=ranks.__getitem__)
        merged: list[str] = []
        for token in word:
            # What has just been merged is longer than the pair's first, so it is not met again.
            if merged and (merged[-1], token) == best:
                merged[-1] += token
            else:
                merged.append(token)
        word = merged
    return word


def parts(text: str) -> Iterator[str]:
    """What OpenAI's regular expression finds: contractions, letters, single digits, the rest."""
    while text:
        short = next((short for short in CONTRACTIONS if text.startswith(short)), "")
        kind = kind_of(text[0])
        end = len(short) or 1
        if not short and kind in {"letter", "sign"}:
            end = next((i for i in range(len(text)) if kind_of(text[i]) != kind), len(text))
        if kind != "space":
            yield text[:end]
        text = text[end:]


def kind_of(character: str) -> str:
    if character.isspace():
        return "space"
    return {"L": "letter", "N": "digit"}.get(unicodedata.category(character)[0], "sign")


# Files that are no vocabulary


def spoilt() -> dict[str, tuple[bytes, str]]:
    whole = "\n".join(["#version: 0.2", *["a b"] * MERGES])
    packed = gzip.compress(whole.encode())
    return {
        "no gzip": (b"a b\n", "Not a gzipped file"),
        "cut": (packed[:-20], "ended before"),
        "flipped": (packed[:20] + b"\xff" * 400, "cannot read"),
        "no UTF-8": (gzip.compress(b"\xff" * 10), "utf-8"),
        "bomb": (gzip.compress(bytes(50_000_000), compresslevel=1), "more than 8000000 bytes"),
        "short": (gzip.compress(whole[:-4].encode()), f"{MERGES - 1} pairs instead of {MERGES}"),
        "no pair": (gzip.compress(whole.replace("a b", "ab", 1).encode()), "comes from nowhere"),
        "unknown": (gzip.compress(whole.replace("a b", "a abc", 1).encode()), "'abc'"),
    }


SPOILT = spoilt()


@pytest.mark.parametrize("how", SPOILT)
def test_a_file_that_is_no_vocabulary_is_refused(how: str, tmp_path: Path) -> None:
    needs_module("tokenizers")
    data, said = SPOILT[how]
    file = tmp_path / "vocab.txt.gz"
    file.write_bytes(data)

    with pytest.raises(CheckpointError, match=said) as caught:
        ClipTokenizer(file, 77)
    assert str(file) in str(caught.value)


def test_a_missing_vocabulary_is_named(tmp_path: Path) -> None:
    needs_module("tokenizers")
    with pytest.raises(CheckpointError, match=r"vocab\.txt\.gz: No such file"):
        ClipTokenizer(tmp_path / "vocab.txt.gz", 77)


def test_without_tokenizers_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    with pytest.raises(MissingExtraError, match=r"Asking with words needs .*lookgraph\[text\]"):
        ClipTokenizer(tmp_path / "vocab.txt.gz", 77)


# From texts to embeddings


@pytest.fixture(scope="module")
def model() -> Model:
    return find_model("clip-vit-b32")


@pytest.fixture(scope="module")
def embedder(
    model: Model, vocabulary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TextEmbedder]:
    assert model.text
    file = tmp_path_factory.mktemp("tower") / "text.onnx"
    network = build_network(of_clip(), model, model.text.architecture)
    file.write_bytes(network.SerializeToString())
    yield open_text_embedder(model, model.space(), file, vocabulary)
    file.unlink()


@pytest.mark.slow
def test_texts_have_the_embeddings_of_the_original(embedder: TextEmbedder) -> None:
    with np.load(FILE) as file:
        expected = file["clip_text"][:6].astype(np.float64)

    embeddings = embedder.embed(TEXTS[:6])

    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    cosines = embeddings @ (expected / np.linalg.norm(expected, axis=1, keepdims=True)).T
    assert np.diag(cosines).min() >= 0.99999
    assert (cosines - np.eye(6)).max() < 0.99


@pytest.mark.slow
def test_no_texts_have_no_embeddings(embedder: TextEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 512)


@pytest.mark.slow
def test_a_text_without_words_has_no_embedding(embedder: TextEmbedder) -> None:
    with pytest.raises(UsageError, match="no words"):
        embedder.embed(["red dress", ""])


def test_a_network_without_words_is_refused(tmp_path: Path) -> None:
    wordless = find_model("dinov2-small")

    with pytest.raises(UsageError, match="dinov2-small knows pictures only"):
        open_text_embedder(wordless, wordless.space(), tmp_path / "a", tmp_path / "b")


def test_a_tower_that_cannot_be_loaded_is_named(
    model: Model, vocabulary: Path, tmp_path: Path
) -> None:
    file = tmp_path / "text.onnx"
    file.write_bytes(b"no network")

    with pytest.raises(ModelError, match=r"cannot load .*text\.onnx"):
        open_text_embedder(model, model.space(), file, vocabulary)
