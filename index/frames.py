"""Messages between two processes over pipes: a JSON object and bytes, each with its length in front.

Nothing that is received is executed or trusted: lengths are checked before anything is read, and what does not follow
the format is an error.
"""

import json
import struct
from dataclasses import dataclass
from typing import IO, Any

MAX_HEADER_BYTES = 2**20
"""Bytes of the JSON object. The longest hold a path, or some names and titles of 500 characters."""

_LENGTHS = struct.Struct(">II")


class BrokenFrameError(Exception):
    """What came is not a frame: the other side was killed while it wrote, or writes something else."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: `header` says what it is, `body` are bytes that belong to it, often none."""

    header: dict[str, Any]
    body: bytes = b""


def write_frame(pipe: IO[bytes], frame: Frame) -> None:
    """Writes a frame and flushes. Raises `OSError` if nobody reads any more."""
    header = json.dumps(frame.header).encode("ascii")
    pipe.write(_LENGTHS.pack(len(header), len(frame.body)) + header)
    if frame.body:
        pipe.write(frame.body)
    pipe.flush()


def read_frame(pipe: IO[bytes], max_body_bytes: int) -> Frame | None:
    """The next frame, `None` at the end of the stream.

    Raises:
        BrokenFrameError: The stream ends within a frame, the frame is too long, or its header is no JSON object.
    """
    lengths = pipe.read(_LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < _LENGTHS.size:
        raise BrokenFrameError
    header_bytes, body_bytes = _LENGTHS.unpack(lengths)
    if header_bytes > MAX_HEADER_BYTES or body_bytes > max_body_bytes:
        raise BrokenFrameError
    raw, body = pipe.read(header_bytes), pipe.read(body_bytes) if body_bytes else b""
    if len(raw) < header_bytes or len(body) < body_bytes:
        raise BrokenFrameError
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BrokenFrameError from error
    if not isinstance(header, dict):
        raise BrokenFrameError
    return Frame(header, body)
