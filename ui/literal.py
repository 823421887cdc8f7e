"""Text of articles, questions and models inside HTML: read as it is written, with nothing live in it."""

import re

_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
"""Controls, reordering marks and tag characters: they can make a text look like another one."""

_HALVES = re.compile(r"[\ud800-\udfff]")
"""Halves of characters (lone surrogates), as file names in a broken encoding bring them; no reply can hold them."""


def literal(text: str) -> str:
    """The text on one line, as it is read: every ASCII sign that is not a letter or digit as a character reference."""
    line = " ".join(_HALVES.sub("\ufffd", _INVISIBLE.sub("", text)).split())
    return "".join(c if c.isalnum() or c == " " or ord(c) > 127 else f"&#{ord(c)};" for c in line)


def literal_run(text: str) -> str:
    """`literal` with a space at each end that has one: text that stands between two tags."""
    inner = literal(text)
    if not inner:
        return " " if text else ""
    return (" " if text[0].isspace() else "") + inner + (" " if text[-1].isspace() else "")


def literal_id(article_id: str) -> str:
    """An article's identifier inside a link; identifiers are hexadecimal, anything else is dropped."""
    return re.sub(r"[^0-9a-f]", "", article_id)
