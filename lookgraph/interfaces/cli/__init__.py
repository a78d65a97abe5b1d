"""The command line. Commands stand in modules of their own and import what is heavy when run."""

import os
import sys
import warnings

import click

from lookgraph import __version__
from lookgraph.errors import LookgraphError, UsageError
from lookgraph.interfaces.cli.app import app
from lookgraph.interfaces.cli.console import say
from lookgraph.interfaces.cli.demo import demo
from lookgraph.interfaces.cli.doctor import doctor
from lookgraph.interfaces.cli.duplicates import duplicates
from lookgraph.interfaces.cli.evaluate import evaluate
from lookgraph.interfaces.cli.exchange import export, import_
from lookgraph.interfaces.cli.graph import graph
from lookgraph.interfaces.cli.groups import groups
from lookgraph.interfaces.cli.index import index
from lookgraph.interfaces.cli.models import models
from lookgraph.interfaces.cli.path import path
from lookgraph.interfaces.cli.search import search
from lookgraph.interfaces.cli.serve import serve
from lookgraph.interfaces.cli.status import status
from lookgraph.interfaces.cli.verdicts import different, same, verdicts

_INTERRUPTED = 130
_EPILOG = "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but pictures were left out."


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lookgraph")
def cli() -> None:
    """Find look-alike images in a folder of pictures.

    \b
        lookgraph index photos
        lookgraph search holiday.jpg --library photos
    """  # noqa: D301 - click wants the character itself


for command in (
    index, search, status, graph, groups, path, duplicates, same, different, verdicts,
    evaluate, models, doctor, export, import_, app, serve, demo,
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """Run the command line; the process ends with the exit status."""
    # Pillow and ONNX Runtime warn about single pictures and devices; what matters is in results.
    warnings.simplefilter("ignore")
    code: int | None = None
    try:
        code = cli.main(prog_name="lookgraph", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        _leave_at_once(_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except LookgraphError as error:
        say(f"lookgraph: {error}")
        _leave_at_once(2 if isinstance(error, UsageError) else 1)
    sys.exit(code)


def _leave_at_once(code: int) -> None:
    """End the process while threads may still decode a large picture or run the network.

    Waiting for them would take long, and the interpreter's own end would break ONNX Runtime's
    threads off, which aborts the process with another exit status.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
