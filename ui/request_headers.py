"""What the headers of a request say about who sent it."""

import base64
import binascii
from urllib.parse import urlsplit

READING = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""


def is_foreign(method: str, headers: dict[str, str]) -> bool:
    """True if a browser says that a page of another site sent this request, but for following a link to the page.

    Browsers send `Sec-Fetch-Site` since 2023 at the latest, and no script can write it.
    """
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return False
    return method not in READING or headers.get("sec-fetch-mode") != "navigate"


def host_of(origin: str) -> str:
    """Host and port of a header `Origin`; empty if it is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """Name and password of a Basic header (RFC 7617), `None` if it is not one."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    name, colon, password = decoded.partition(":")
    return (name, password) if colon else None
