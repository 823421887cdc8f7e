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
    which take half a minute. `memory_bytes` is the address space of the whole process: it takes .5 GB with all its
    libraries, and a text of 64 MB, the largest file that is read, takes another 1.3 GB in the copies of its decoding.
    """

    seconds: float = 120.0
    memory_bytes: int = 3 * 2**30
    characters: int = MAX_CHARACTERS
