"""torch's zip format, which ``torch.save`` writes since version 1.6, and TorchScript archives.

An archive ``X`` has all of its members in the one folder ``X``: ``X/data.pkl``, a pickle;
``X/data/KEY``, the elements of the storage KEY as they are, little-endian unless ``X/byteorder``
says otherwise; and ``X/version`` and more that says nothing about the tensors
(``caffe2/serialize/inline_container.h`` in torch's source). Members are stored as they are. Only a
TorchScript archive's ``X/code/…`` may be compressed, and is never looked at.
"""

from lookgraph.models.checkpoints.pickles import Data, Instance, RefusedError, read_pickle
from lookgraph.models.checkpoints.torch_script import state_of_module, with_objects
from lookgraph.models.checkpoints.torch_tensors import Storage, admitted, arrays, state_of
from lookgraph.models.checkpoints.zip_members import Member, read_members
from lookgraph.types import Array

SIGNATURE = b"PK\x03\x04"
"""What a zip archive begins with."""


def read(data: Data) -> dict[str, Array]:
    """The tensors of a state, or of a TorchScript module, by name: views of the data.

    Raises:
        RefusedError: it is anything else.
    """
    members = _within_folder(read_members(data))
    _check_byte_order(data, members)
    storages: dict[str, Storage] = {}
    pickle = _content(data, _member(members, "data.pkl"))
    value, end = read_pickle(pickle, 0, with_objects(admitted(storages)))
    if end != len(pickle):
        raise RefusedError("bytes after the pickle in 'data.pkl'")
    state = state_of_module(value) if isinstance(value, Instance) else state_of(value)
    return arrays(state, lambda storage: _elements(data, members, storage))


def _within_folder(members: dict[str, Member]) -> dict[str, Member]:
    """The members by their names below the one folder, `X`."""
    folders = {name.partition("/")[0] for name in members}
    if len(folders) != 1:
        raise RefusedError(f"a zip archive of {len(folders)} folders and files instead of torch's")
    inner = {name.partition("/")[2]: member for name, member in members.items()}
    for name, member in inner.items():
        if not {"", ".", ".."}.isdisjoint(member.name.split("/")):
            raise RefusedError(f"a member of the name {member.name[:80]!r}")
        if not member.is_stored and not name.startswith("code/"):
            raise RefusedError(f"a compressed member: {member.name[:80]!r}")
    return inner


def _check_byte_order(data: Data, members: dict[str, Member]) -> None:
    if "byteorder" in members and _content(data, members["byteorder"]) != b"little":
        raise RefusedError("numbers that are not little-endian")


def _elements(data: Data, members: dict[str, Member], storage: Storage) -> Array:
    member = _member(members, f"data/{storage.key}")
    if member.size != storage.nbytes:
        raise RefusedError(f"two sizes of the storage {storage.key[:80]!r}")
    return storage.elements(data, member.begin)


def _member(members: dict[str, Member], name: str) -> Member:
    if name not in members:
        raise RefusedError(f"a zip archive without torch's {name[:80]!r}")
    return members[name]


def _content(data: Data, member: Member) -> bytes:
    return data[member.begin : member.end]
