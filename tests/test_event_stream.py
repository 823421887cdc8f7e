"""The documents in a reply, however it is cut into parts."""

import pytest

from rag.event_stream import END, MAX_LINE_BYTES, EventStream, TooLongError


def documents(raw: bytes, size: int = 10_000_000) -> list:
    stream = EventStream()
    found = [found for at in range(0, len(raw), size) for found in stream.feed(raw[at : at + size])]
    return found + list(stream.close())


@pytest.mark.parametrize("size", [1, 2, 3, 1_000])
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'data: {"a": 1}\n\ndata: [DONE]\n\n', [{"a": 1}, END]),
        (b'data:{"a": 1}\r\n\r\ndata: 2\r\n\r\n', [{"a": 1}, 2]),
        (b': hello\n\nevent: ping\nid: 3\ndata: {"a":\ndata: 1}\n\n', [{"a": 1}]),
        ('data: {"a": "Zoë 🚢"}\n\n'.encode(), [{"a": "Zoë 🚢"}]),
        (b'\xef\xbb\xbfdata: {"a": 1}\n\n', [{"a": 1}]),
        (b'data: {"a": 1}\n', [{"a": 1}]),
        (b' \n {"a":\n 1}\n', [{"a": 1}]),
        (b"[1,\n2]", [[1, 2]]),
        (b"<html>\n\n</html>", []),
        (b"", []),
    ],
)
def test_documents(raw, expected, size):
    assert documents(raw, size) == expected


@pytest.mark.parametrize(
    "raw", [b"data: {half\n\n", b"{half", b"data: \xff\n\n", b"data: " + b"[" * 100_000 + b"\n\n", b"{" + b"\xff}"]
)
def test_garbage_is_a_value_error(raw):
    with pytest.raises(ValueError):
        documents(raw)


@pytest.mark.parametrize("begin", [b"data: ", b": ", b"{", b""])
def test_an_endless_line_is_not_kept(begin):
    stream = EventStream()
    assert list(stream.feed(begin + b"x" * (MAX_LINE_BYTES - len(begin)))) == []
    with pytest.raises(TooLongError):
        list(stream.feed(b"x"))
