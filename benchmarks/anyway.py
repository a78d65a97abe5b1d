"""Index at a precision whether or not it is offered: how fast it would be, and what it keeps.

    python -m benchmarks.anyway FOLDER MODEL PRECISION [WEIGHTS]

Prints the share of float32's ten nearest that the precision keeps.
"""

import sys
from pathlib import Path

from lookgraph import catalogue
from lookgraph.library import Library
from lookgraph.models import agreement
from lookgraph.models.registry import find_model
from lookgraph.models.weights import own_weights
from lookgraph.types import Precision


def main() -> None:
    """Index the folder anew, with no least agreement."""
    folder, name, precision = Path(sys.argv[1]), sys.argv[2], Precision(sys.argv[3])
    row = find_model(name)
    model = own_weights(row, Path(sys.argv[4])) if len(sys.argv) > 4 else row
    agreement.LEAST = 0.0
    Library.open(folder).index(model=model, precision=precision)
    space = model.space(precision=precision)
    print(agreement.admit(model, space, lambda: (image for _, image in catalogue.pictures())))


if __name__ == "__main__":
    main()
