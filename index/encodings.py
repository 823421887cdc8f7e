"""Bytes of a text file or page, turned into text."""

import codecs
import re

from index.errors import UnsupportedFormatError
from index.types import normalise_text

MAX_CONTROL_SHARE = 0.01
"""Share of control characters (other than white space) from which a file is binary; text has one by accident."""

MIN_VALID_TO_INVALID = 10
"""Valid UTF-8 sequences to an invalid one from which a file is damaged UTF-8 and not in another encoding, where
valid sequences occur by chance only."""

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WINDOWS_PUNCTUATION = frozenset(
    b"\x82\x84\x85\x86\x87\x89\x8b\x91\x92\x93\x94\x95\x96\x97\x99\x9b\xa0\xa7\xa9\xab\xae\xb0\xb7\xbb"
)
"""Quotation marks, dashes and the like, the same characters in every Windows code page from 1250 to 1258."""

_CODE_PAGES = ["cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r"]
_EAST_ASIAN = ["shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"]
"""Encodings other than Unicode in which articles are found; with more to choose from, short texts are mistaken."""

_CODECS_OF_TEXT = ("utf-8", "utf-16", "utf-32", "iso8859", "cp", "koi8", "shift_jis", "euc", "gb", "big5", "mac", "tis")
"""Beginnings of the names of codecs that a page may declare; Python also has some that compress or escape."""


def decode_text(raw: bytes, declared: str | None = None) -> str:
    """The text of a file: by its byte order mark, else as declared, else UTF-8, else by what its bytes look like.

    Raises:
        UnsupportedFormatError: The bytes are not text.
    """
    marked = next((encoding for mark, encoding in _MARKS if raw.startswith(mark)), None)
    if marked:
        text = _decode(raw, marked)
    else:
        text = (_decode(raw, declared) if declared else None) or _decode(raw, "utf-8") or _detected(raw)
    if text is None:
        raise UnsupportedFormatError("Its encoding is not known, or it is damaged; save it as UTF-8.")
    if "\0" in text or len(_CONTROL.findall(text)) > MAX_CONTROL_SHARE * len(text):
        raise UnsupportedFormatError("The content is binary, not text; if it is text, save it as UTF-8.")
    return text


def clean_text(text: str) -> str:
    """The normalised text, with U+FFFD for halves of surrogate pairs, which no file or database can hold."""
    return normalise_text(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def without_controls(text: str) -> str:
    """The text without control characters other than white space."""
    return _CONTROL.sub("", text)


def _decode(raw: bytes, encoding: str) -> str | None:
    """`raw` in an encoding of text, `None` if it is not in it or Python does not know it."""
    try:
        name = codecs.lookup(encoding).name
        # A page that says ISO 8859-1 or ASCII means Windows-1252 (WHATWG Encoding Standard, section 4.2).
        name = "cp1252" if name in {"iso8859-1", "ascii"} else name
        return raw.decode(name) if name.startswith(_CODECS_OF_TEXT) else None
    except (LookupError, ValueError):
        return None


def _detected(raw: bytes) -> str | None:
    if b"\0" in raw:
        raise UnsupportedFormatError("The content is binary, not text; if it is UTF-16, save it as UTF-8.")
    if all(byte < 0x80 or byte in _WINDOWS_PUNCTUATION for byte in raw):
        return _decode(raw, "cp1252")
    repaired = raw.decode("utf-8", "replace")
    invalid = repaired.count("\ufffd")
    if sum(character > "\x7f" for character in repaired) - invalid >= MIN_VALID_TO_INVALID * invalid:
        return repaired
    from charset_normalizer import from_bytes

    best = from_bytes(raw, cp_isolation=[*_CODE_PAGES, *_EAST_ASIAN]).best()
    return str(best) if best else None
