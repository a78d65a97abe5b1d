"""``lookgraph index --on … --parts``: embedding into Parquet files instead of a library."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.errors import UsageError

if TYPE_CHECKING:
    from lookgraph.choosing import ModelLike
    from lookgraph.indexing import IndexReport, Progress
    from lookgraph.types import Entry


class PicturesParam(click.Path):
    """A folder of pictures as a path, or an address in object storage as it is."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: "str | os.PathLike[str]",
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> "str | bytes | os.PathLike[str]":
        """An address stays a text, of which a path would drop a slash."""
        if isinstance(value, str) and "://" in value:
            return value
        return super().convert(value, param, ctx)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the options of the command speak of, as `Library.index` has them."""

    pictures: str
    parts: Path
    on: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    model: "ModelLike | None"
    metric: str | None
    precision: str | None
    runtime: str
    device: str


def embed_to_parts(
    wish: Wish, progress: "Callable[[Progress], None]", dry_run: bool
) -> "tuple[IndexReport, list[Entry]]":
    """Embed into parts; return what was done, and what is left out in all parts.

    Raises:
        LookgraphError: as `distributed.writing.write_parts`.
        UsageError: there is no such folder, network or place.
    """
    from lookgraph.choosing import choose_new
    from lookgraph.config import usable_cores
    from lookgraph.distributed.engine import check_address
    from lookgraph.models.runtimes.base import Choice
    from lookgraph.places import absolute
    from lookgraph.types import Metric, Patterns, Precision

    check_address(wish.on)
    from lookgraph.distributed.parts import left_out
    from lookgraph.distributed.sources import is_url
    from lookgraph.distributed.writing import PartsJob, write_parts

    pictures = wish.pictures if is_url(wish.pictures) else str(absolute(wish.pictures))
    if not is_url(pictures) and not Path(pictures).is_dir():
        raise UsageError(f"{wish.pictures} is no folder.")
    chosen = choose_new(
        wish.model,
        Metric(wish.metric) if wish.metric else None,
        Precision(wish.precision) if wish.precision else None,
        Choice(wish.runtime, wish.device),
    )
    job = PartsJob(
        pictures, Patterns(wish.include, wish.exclude), wish.parts, chosen.space, wish.on
    )
    report = write_parts(job, partial(chosen.settle, usable_cores()), progress, dry_run)
    return report, left_out(job.parts, job.space)
