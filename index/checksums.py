"""Checksums of rows: SQLite notices damage to its own structure, but not to what the rows hold."""

import zlib
from collections.abc import Sequence

Value = str | bytes | int | float | None
"""What a column of a library's tables can hold."""

_BETWEEN = "\x1f"
"""Between two values: the unit separator of ASCII."""


def row_checksum(*values: Value) -> int:
    """CRC-32 of the values of a row: of its bytes, then of all others as text.

    A damaged row has the checksum of the undamaged one with a probability of one in four thousand million.
    """
    checksum = 0
    plain = []
    for value in values:
        if isinstance(value, bytes):
            checksum = zlib.crc32(value, checksum)
        else:
            plain.append(value if isinstance(value, str) else str(value))
    return zlib.crc32(_BETWEEN.join(plain).encode("utf-8", "surrogatepass"), checksum)


def entries_checksum(entries: Sequence[tuple[str, str]]) -> int:
    """As `row_checksum`, of pairs in any order."""
    return row_checksum(*(value for pair in sorted(entries) for value in pair))
