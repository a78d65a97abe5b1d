"""Where the members of a zip archive lie, as far as torch's archives need it.

The format is PKWARE's APPNOTE 6.3.10. The standard library's ``zipfile`` reads more kinds than
torch writes, makes an object of a kilobyte for every entry before anyone can count them, trusts
sizes, lets members overlap and raises half a dozen kinds of errors. This reader knows members
that are stored as they are, and checks that each has bytes of its own. The checksums are left
alone: ``torch.save`` can be told to leave them wrong, and a checkpoint has a SHA-256.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from lookgraph.models.checkpoints.pickles import Data, RefusedError

MOST_MEMBERS = 20_000

_END = struct.Struct("<4sHHHHIIH")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_ENCRYPTED = 0x2041
"""The flags of encryption, strong encryption and hidden local headers."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member's bytes in the file: `size` of them, from `begin` on."""

    name: str
    is_stored: bool
    header: int
    begin: int
    size: int

    @property
    def end(self) -> int:
        """The position after its last byte."""
        return self.begin + self.size


def read_members(data: Data) -> dict[str, Member]:
    """The members of an archive by name, none of which shares bytes with another.

    Raises:
        RefusedError: it is no such archive, or larger than 4 GB.
    """
    directory, end, count = _end_record(data)
    members: dict[str, Member] = {}
    for member in _entries(data, directory, end, count):
        if member.name in members:
            raise RefusedError(f"two members of the name {member.name[:80]!r}")
        members[member.name] = member
    inside = sorted(members.values(), key=lambda member: member.header)
    for member, following in pairwise(inside):
        if member.end > following.header:
            raise RefusedError(f"members that overlap: {member.name[:80]!r}")
    if inside and inside[-1].end > directory:
        raise RefusedError(f"a member beyond its place: {inside[-1].name[:80]!r}")
    return members


def _end_record(data: Data) -> tuple[int, int, int]:
    """Where the directory begins and ends, and how many entries it has.

    torch also writes the records of zip64, of the same contents, between directory and end.
    """
    position = len(data) - _END.size
    if position < 0 or data[position : position + 4] != b"PK\x05\x06":
        raise RefusedError("a zip archive without its end")
    _, disk, first, here, count, size, begin, comment = _END.unpack_from(data, position)
    if disk or first or comment or here != count:
        raise RefusedError("a zip archive in parts or with a comment")
    if count > MOST_MEMBERS:
        raise RefusedError(f"a zip archive of more than {MOST_MEMBERS} members")
    if begin + size > position:
        raise RefusedError("a zip archive whose directory is not in the file")
    return begin, begin + size, count


def _entries(data: Data, position: int, end: int, count: int) -> Iterator[Member]:
    for _ in range(count):
        after = position + _ENTRY.size
        if after > end:
            raise RefusedError("a zip archive whose directory ends too early")
        (
            signature, _, _, flags, method, _, _, _, packed, size,
            name_size, extra_size, comment_size, disk, _, _, header,
        ) = _ENTRY.unpack_from(data, position)  # fmt: skip
        position = after + name_size + extra_size + comment_size
        if signature != b"PK\x01\x02" or disk or position > end:
            raise RefusedError("a zip archive whose directory is damaged")
        raw = data[after : after + name_size]
        begin = _check_local(data, header, raw, flags, method)
        name = _name(raw)
        if method == 0 and packed != size:
            raise RefusedError(f"two sizes of the member {name[:80]!r}")
        yield Member(name, method == 0, header, begin, packed)
    if position != end:
        raise RefusedError("a zip archive whose directory has bytes left over")


def _check_local(data: Data, header: int, name: bytes, flags: int, method: int) -> int:
    """Compare a member's own header with its entry; where its bytes begin."""
    if header + _LOCAL.size > len(data):
        raise RefusedError(f"a member outside of the file: {name[:80]!r}")
    found = _LOCAL.unpack_from(data, header)
    signature, _, local_flags, local_method, *_, name_size, extra_size = found
    begin = header + _LOCAL.size + name_size
    described = local_method == method and data[begin - name_size : begin] == name
    if signature != b"PK\x03\x04" or not described:
        raise RefusedError(f"a member that its header does not describe: {name[:80]!r}")
    if (flags | local_flags) & _ENCRYPTED:
        raise RefusedError(f"an encrypted member: {name[:80]!r}")
    return int(begin + extra_size)


def _name(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise RefusedError(f"a member's name that is not UTF-8: {raw[:80]!r}") from None
