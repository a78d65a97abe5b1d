"""Pictures that people ask with."""

import hashlib

from lookgraph.interfaces.app.uploads import Upload, Uploads


def upload(letter: bytes, size: int) -> Upload:
    return Upload(letter * size, letter.decode(), 1, 1)


def test_a_picture_is_found_by_the_checksum_of_its_bytes() -> None:
    uploads = Uploads()
    id_ = uploads.add(upload(b"a", 10))
    assert id_ == hashlib.sha256(b"a" * 10).hexdigest()
    assert uploads.get(id_) == upload(b"a", 10)
    assert uploads.get("0" * 64) is None


def test_what_was_not_asked_for_longest_goes_first_where_there_is_no_room() -> None:
    uploads = Uploads(most_bytes=25)
    a, b = uploads.add(upload(b"a", 10)), uploads.add(upload(b"b", 10))
    assert uploads.get(a)
    c = uploads.add(upload(b"c", 10))
    assert uploads.get(b) is None
    assert uploads.get(a)
    assert uploads.get(c)


def test_the_same_picture_again_takes_no_more_room() -> None:
    uploads = Uploads(most_bytes=25)
    a = uploads.add(upload(b"a", 10))
    for _ in range(5):
        uploads.add(upload(b"b", 10))
    assert uploads.get(a)


def test_one_that_is_larger_than_all_room_is_held_until_the_next_comes() -> None:
    uploads = Uploads(most_bytes=5)
    a = uploads.add(upload(b"a", 10))
    assert uploads.get(a)
    uploads.add(upload(b"b", 4))
    assert uploads.get(a) is None
