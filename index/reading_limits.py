"""How much the reading of one file may take. What takes more is hostile, damaged, or no article."""

from dataclasses import dataclass

MAX_CHARACTERS = 20_000_000
"""Characters of one article. The longest novels have some three million; made-up files unpack to billions."""

MAX_BODY_BYTES = 4 * MAX_CHARACTERS
"""Bytes of a text in UTF-8."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the process that reads files may take for each of them, or for each record of one with many.

    `seconds` holds for the clock and for the processor: the slowest that were seen are PDF files of a thousand pages,
    which take half a minute. `memory_bytes` is the address space of the whole process: with all its libraries it takes
    .1 GB, with a text file of 64 MB, the largest that is read, .6 GB, and with a page of that size .8 GB.
    """

    seconds: float = 120.0
    memory_bytes: int = 2 * 2**30
    characters: int = MAX_CHARACTERS
