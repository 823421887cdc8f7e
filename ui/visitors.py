"""Whose conversations are whose: a random cookie for each browser, and with passwords the name of who signed in."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.requests import Request

COOKIE = "dateline_browser"
COOKIE_DAYS = 400
"""How long a browser is known after its last visit: the longest that browsers keep a cookie (RFC 6265bis)."""

SIGNED_IN = "dateline.signed_in"
"""Under this key the guard writes down in a request's scope who has signed in."""

_VALUE = re.compile(r"[0-9a-f]{32}")


def new_cookie() -> str:
    """The value for a browser that has none yet: 128 random bits."""
    return secrets.token_hex(16)


def cookie_header(value: str, *, secure: bool) -> str:
    """The `Set-Cookie` header. Scripts cannot read it, and requests that other sites cause do not bring it along,
    except for opening a link."""
    kept = f"{COOKIE}={value}; Path=/; Max-Age={COOKIE_DAYS * 86_400}; HttpOnly; SameSite=Lax"
    return f"{kept}; Secure" if secure else kept


def has_cookie(header: str) -> bool:
    """True if a request with this `Cookie` header comes from a browser that has its value already."""
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return False
    return found is not None and _VALUE.fullmatch(found.value) is not None


def owner_of_request(request: Request) -> str:
    """`owner_of` for a request that came through the guard."""
    return owner_of(request.cookies, request.scope.get(SIGNED_IN, ""))


def owner_of(cookies: Mapping[str, str], name: str = "") -> str:
    """Whose things these are: a digest of the browser's cookie and the name that signed in; empty without a cookie.

    Only the digest is kept, so that nobody who reads the page's files can take over a browser's conversations.
    """
    value = cookies.get(COOKIE, "")
    if _VALUE.fullmatch(value) is None:
        return ""
    return hashlib.sha256(f"{value}\n{name}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
