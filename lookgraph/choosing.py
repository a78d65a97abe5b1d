"""From what somebody names to a space and the way to its network."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeGuard, Union

from lookgraph.errors import LibraryFormatError, ModelError, UsageError
from lookgraph.models.cache import network_file
from lookgraph.models.described import as_text, from_text
from lookgraph.models.model import Model
from lookgraph.models.registry import DEFAULT_MODEL, MODELS, find_model
from lookgraph.models.runtimes.base import Choice
from lookgraph.models.weights import locate_vocabulary
from lookgraph.stores.base import Store
from lookgraph.types import Embeds, Metric, Precision, Space

if TYPE_CHECKING:
    from PIL import Image

    from lookgraph.models.embedder import SettledEmbedder
    from lookgraph.models.encoders import Encoder
    from lookgraph.models.texts import TextEmbedder

ModelLike: TypeAlias = Union[str, "os.PathLike[str]", Model, "Encoder"]
"""A network: the name of one that the registry or the library knows, the path of an ONNX file, a
`Model`, or an object with ``encode(images) -> (n, d)``."""

_FREE = Choice()


@dataclass(frozen=True, slots=True)
class Chosen:
    """A space, and the way to its network.

    Attributes:
        space: what is indexed into or searched in.
        network: what the library keeps of the network; None if its name is enough.
        model: what the network is; None for somebody's encoder.
        open: opens the network for so many threads that will call it at once, and for so many
            pictures that are waiting.
        choice: what is to execute it.
    """

    space: Space
    network: str | None
    model: Model | None
    open: Callable[[int, int], Embeds]
    choice: Choice = _FREE

    def settle(self, callers: int, pictures: int) -> "SettledEmbedder":
        """Make all choices about the network, so that other processes can load the same.

        They compute on processors: which GPU would be whose is not known here.

        Args:
            callers: how many threads will call it at once.
            pictures: how many are waiting.

        Raises:
            UsageError: it is somebody's encoder, which is in this process only, or a GPU is asked
                for.
            ModelError: it cannot be had.
        """
        if self.model is None:
            raise UsageError(
                f"{self.space.model} is an object in this process: no other one can load it."
            )
        if self.choice.device == "gpu":
            raise UsageError("Other processes compute on processors: leave --device gpu out.")
        choice = replace(self.choice, device="cpu")
        return _settle(self.model, self.space, choice, callers, pictures)

    def open_texts(self) -> "TextEmbedder":
        """Open the part of the network that places texts among pictures.

        Raises:
            UsageError: it has none.
            ModelError: it cannot be had.
        """
        if self.model is None or self.model.text is None:
            raise _no_words(self.space)
        from lookgraph.models.texts import open_text_embedder

        network = network_file(self.model, "text")
        vocabulary = locate_vocabulary(self.model)
        return open_text_embedder(self.model, self.space, network, vocabulary)

    @property
    def is_known(self) -> bool:
        """Whether this Lookgraph knows the network; it may still be missing."""
        return self.model is not None or self.network is not None


@dataclass(frozen=True, slots=True)
class Chooser:
    """Finds spaces in one library, and beyond it.

    Attributes:
        store: the library.
        choice: what is to execute networks.
    """

    store: Store
    choice: Choice

    def to_index(
        self,
        model: ModelLike | None,
        metric: Metric | None = None,
        precision: Precision | None = None,
    ) -> list[Chosen]:
        """The spaces that a run is about: those that the library has, or else a new one.

        Args:
            model: the network; None for all that the library has, or for the default one.
            metric: only spaces with this metric; None for any, or for the network's own.
            precision: only spaces with this precision; None for any, or for float32.

        Raises:
            UsageError: there is no such network.
            ModelError: an ONNX file or an encoder is not what it should be.
        """
        if _is_encoder(model):
            return [_of_encoder(model, metric)]
        if isinstance(model, str) and not _is_onnx(model):
            held = self._held(model)
        else:
            held = self._spaces() if model is None else []
        wanted = [
            space
            for space in held
            if metric in {None, space.metric} and precision in {None, space.precision}
        ]
        if chosen := self._renewed(wanted):
            return chosen
        found = next((one.model for one in self._renewed(held)), None)
        found = found or resolve(model or DEFAULT_MODEL)
        return [self._of_model(found, found.space(metric, precision or Precision.FLOAT32))]

    def to_search(self, model: ModelLike | None, with_text: bool = False) -> Chosen:
        """The space to search in; where there are several, the first that was made.

        Args:
            model: the network or a space's name; None for any.
            with_text: whether its network must understand texts.

        Raises:
            LibraryFormatError: the library has no such space; the message says which it has.
            UsageError: a text is asked with, and no network of the library understands texts.
        """
        spaces = self._spaces()
        if _is_encoder(model):
            chosen = [_of_encoder(model, None)]
        elif model is None:
            chosen = [self._of_space(space) for space in spaces]
            known = [one for one in chosen if one.is_known]
            chosen = known or chosen or self.to_index(None)  # a library without pictures
        elif isinstance(model, str) and not _is_onnx(model):
            chosen = [self._of_space(space) for space in spaces if _is_called(space, model)]
        else:
            found = resolve(model)
            held = [space for space in spaces if _is_of(space, found)]
            chosen = [self._of_model(found, space) for space in held]
        if not chosen or (spaces and chosen[0].space not in spaces):
            raise self._not_held(model)
        if not chosen[0].is_known:
            raise _another_release(chosen[0].space)
        if not with_text:
            return chosen[0]
        speaking = [one for one in chosen if one.model and one.model.text]
        if not speaking:
            raise _no_words(chosen[0].space)
        return speaking[0]

    def named(self, name: str) -> list[Space]:
        """The library's spaces of the network with this name, or the one with this name.

        Raises:
            LibraryFormatError: there is none.
        """
        if held := self._held(name):
            return held
        raise self._not_held(name)

    def takes(self, space: Space) -> bool:
        """Whether it is the library's, or one of a network in the registry."""
        return space in self._spaces() or self._of_row(space).is_known

    def _spaces(self) -> list[Space]:
        return list(self.store.spaces()) if self.store.exists() else []

    def _held(self, name: str) -> list[Space]:
        """The library's spaces of a network, or the one of that name."""
        return [space for space in self._spaces() if _is_called(space, name)]

    def _renewed(self, spaces: list[Space]) -> list[Chosen]:
        """Of each space what can be embedded into; in place of an earlier release's, today's."""
        found: list[Chosen] = []
        for space in spaces:
            chosen = self._of_space(space)
            row = next((row for row in MODELS if row.name == space.model), None)
            if not chosen.is_known and row:
                chosen = self._of_model(row, row.space(space.metric, space.precision))
            if chosen.is_known and chosen.space not in {one.space for one in found}:
                found.append(chosen)
        return found

    def _of_space(self, space: Space) -> Chosen:
        text = self.store.network(space)
        if text is None:
            return self._of_row(space)
        if "encoder" in json.loads(text):
            return Chosen(space, text, None, partial(_missing_encoder, space))
        return self._of_model(from_text(text), space)

    def _of_row(self, space: Space) -> Chosen:
        for row in MODELS:
            if row.name == space.model and _is_of(space, row):
                return self._of_model(row, space)
        return Chosen(space, None, None, partial(_unknown, space))

    def _of_model(self, model: Model, space: Space) -> Chosen:
        return _of_model(model, space, self.choice)

    def _not_held(self, model: ModelLike | None) -> LibraryFormatError:
        names = ", ".join(space.name for space in self._spaces()) or "none"
        wanted = model if isinstance(model, str) else getattr(model, "name", model)
        return LibraryFormatError(
            f"The library has no embeddings of {wanted or DEFAULT_MODEL}; it has: {names}. "
            f"Add them: lookgraph index --model {wanted or DEFAULT_MODEL}"
        )


def choose_new(
    model: ModelLike | None, metric: Metric | None, precision: Precision | None, choice: Choice
) -> Chosen:
    """A space of no library.

    Args:
        model: the network; None for the default one.
        metric: how embeddings are compared; None for the network's own.
        precision: what the network computes with; None for float32.
        choice: what is to execute it.

    Raises:
        UsageError: there is no such network, or it is somebody's encoder.
        ModelError: an ONNX file is not what it should be.
    """
    found = resolve(model or DEFAULT_MODEL)
    return _of_model(found, found.space(metric, precision or Precision.FLOAT32), choice)


def resolve(model: ModelLike, options: Sequence[str] = ()) -> Model:
    """What a network is, by its name in the registry or as an ONNX file with what lies beside it.

    Args:
        model: the name or the file; a `Model` is what it is.
        options: of an ONNX file, each ``KEY=VALUE``; see `models.adopt.options`.

    Raises:
        UsageError: there is none, or an option is none.
        ModelError: the file is no network that can be used.
    """
    if isinstance(model, Model):
        return model
    if not isinstance(model, str | os.PathLike):
        raise UsageError(f"A {type(model).__name__} is no network, and no name of one.")
    if not _is_onnx(model):
        if options:
            raise UsageError(f"{model} is no ONNX file, and only these have options.")
        return find_model(str(model))
    from lookgraph.models.adopt import describe
    from lookgraph.models.adopt.options import read_options

    file = Path(model)
    return describe(file, read_options(file, options))


def _is_onnx(model: object) -> bool:
    return isinstance(model, os.PathLike) or str(model).lower().endswith(".onnx")


def _is_encoder(model: ModelLike | None) -> "TypeGuard[Encoder]":
    return not isinstance(model, str) and callable(getattr(model, "encode", None))


def _is_called(space: Space, name: str) -> bool:
    return name in {space.name, space.model}


def _is_of(space: Space, model: Model) -> bool:
    return space == model.space(space.metric, space.precision)


def _of_model(model: Model, space: Space, choice: Choice) -> Chosen:
    opened = partial(_open, model, space, choice)
    return Chosen(space, as_text(model), model, opened, choice)


def _open(model: Model, space: Space, choice: Choice, callers: int, pictures: int) -> Embeds:
    return _settle(model, space, choice, callers, pictures).load(callers)


def _settle(
    model: Model, space: Space, choice: Choice, callers: int, pictures: int
) -> "SettledEmbedder":
    from lookgraph.models.embedder import settle_embedder

    if space.precision is not Precision.FLOAT32:
        from lookgraph.models.agreement import admit

        admit(model, space, _drawn)
    return settle_embedder(model, space, callers, choice, pictures)


def _drawn() -> Iterator["Image.Image"]:
    from lookgraph import catalogue

    return (image for _, image in catalogue.pictures())


def _of_encoder(encoder: "Encoder", metric: Metric | None) -> Chosen:
    from lookgraph.models.encoders import EncoderEmbedder

    embedder = EncoderEmbedder(encoder, metric)
    told = json.dumps({"encoder": embedder.space.model})
    return Chosen(embedder.space, told, None, lambda _callers, _pictures: embedder)


def _missing_encoder(space: Space, _callers: int, _pictures: int) -> Embeds:
    raise ModelError(
        f"The embeddings of {space.name} come from somebody's encoder in Python. "
        "Use it there: library.search(picture, model=encoder)."
    )


def _unknown(space: Space, _callers: int, _pictures: int) -> Embeds:
    raise _another_release(space)


def _another_release(space: Space) -> LibraryFormatError:
    return LibraryFormatError(
        f"The embeddings of {space.name} are of a network that this Lookgraph does not know: "
        "another release made them. Make new ones: lookgraph index --model "
        f"{space.model}. Drop the old ones: lookgraph models remove {space.name}"
    )


def _no_words(space: Space) -> UsageError:
    names = ", ".join(row.name for row in MODELS if row.text)
    return UsageError(
        f"{space.model} knows pictures only, no words. Networks that know words: {names}. "
        f"Index with one of them: lookgraph index --model {names.split(', ', maxsplit=1)[0]}"
    )
