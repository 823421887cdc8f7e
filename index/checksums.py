"""Checksums of rows: SQLite notices damage to its own structure, but not to what the rows hold."""

import struct
import zlib
from collections.abc import Sequence

Value = str | bytes | int | float | None
"""What a column of a library's tables can hold."""

_LENGTH = struct.Struct("<cQ")


def row_checksum(*values: Value) -> int:
    """CRC-32 of the values of a row, each behind its kind and length, so that no two rows of other values look alike.

    A damaged row has the checksum of the undamaged one with a probability of one in four thousand million.
    """
    checksum = 0
    for value in values:
        kind, content = _bytes_of(value)
        checksum = zlib.crc32(content, zlib.crc32(_LENGTH.pack(kind, len(content)), checksum))
    return checksum


def entries_checksum(entries: Sequence[tuple[str, str]]) -> int:
    """As `row_checksum`, of pairs in any order."""
    return row_checksum(*(value for pair in sorted(entries) for value in pair))


def _bytes_of(value: Value) -> tuple[bytes, bytes]:
    if value is None:
        return b"n", b""
    if isinstance(value, str):
        return b"s", value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return b"b", value
    return b"d", str(value).encode()
