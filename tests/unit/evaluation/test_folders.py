"""From paths to classes."""

import pytest

from lookgraph.errors import UsageError
from lookgraph.evaluation.folders import classes_of


def test_the_first_folder_is_the_class() -> None:
    paths = ["shoes/a.jpg", "top.jpg", "hats/b.jpg", "hats/red/c.jpg", "shoes/hats/d.jpg", "x.png"]
    classes = classes_of([*paths, "socks/e.jpg"])
    assert classes.names == ("hats", "shoes", "socks")
    assert classes.kept.tolist() == [0, 2, 3, 4, 6]
    assert [classes.names[i] for i in classes.labels] == ["shoes", "hats", "hats", "shoes", "socks"]
    assert classes.left_out == 2


def test_names_of_any_bytes_are_classes() -> None:
    """Surrogate escapes, as the store keeps what is no UTF-8."""
    classes = classes_of(["\udcff/1", "\udcff/2", "ä b/1", "ä b/2"])
    assert classes.names == ("ä b", "\udcff")
    assert classes.labels.tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ([], "Of the 0 folders here, 0 have two pictures or more; 0 pictures lie in no folder"),
        (["a.jpg", "b.jpg"], "Of the 0 folders here, 0 have .*; 2 pictures lie in no folder"),
        (["a/1", "a/2", "b/1", "c/1", "d"], "Of the 3 folders here, 1 have .*; 1 pictures lie"),
    ],
)
def test_too_few_classes_are_refused_with_what_is_needed(paths: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        classes_of(paths)
    assert "at least two classes with two pictures or more" in str(refused.value)
