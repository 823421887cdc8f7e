"""Names and passwords of those who may use the page: a file of digests, checked in constant time, failures throttled.

The file has one line for each person, `name:salt$digest`: the salt and the scrypt digest (RFC 7914) in hexadecimal.
Blank lines and lines that begin with `#` are skipped. A line is made with `dateline password NAME`.
"""

import hashlib
import hmac
import ipaddress
import os
import re
import threading
import time
from pathlib import Path

from index.errors import InputError

SCRYPT_COST = 2**14
"""scrypt's N; with block size 8 one check takes 16 MiB and some 50 ms, the interactive setting of RFC 7914's author."""

SCRYPT_BLOCK = 8
SALT_BYTES = 16
DIGEST_BYTES = 32

FAILURES_ALLOWED = 5
"""Wrong passwords from one address within `FAILURE_WINDOW` before it has to wait."""

NAME_FAILURES_ALLOWED = 20
"""Wrong passwords for one name within `FAILURE_WINDOW`, from whatever addresses, before the name has to wait: guesses
that come from everywhere get nowhere. Who is signed in already does not notice."""

FAILURE_WINDOW = 60.0
"""Seconds after which a wrong password is forgotten."""

ADDRESSES_REMEMBERED = 1_000
"""Addresses and names whose failures are kept; the one that failed longest ago is dropped first."""

NAME_CHARACTERS = 100
"""Characters of a name that failures are counted by."""

_LINE = re.compile(r"(?P<name>[^:\s][^:]*):(?P<salt>(?:[0-9a-f]{2})+)\$(?P<digest>[0-9a-f]{64})")


def password_line(name: str, password: str) -> str:
    """A line of the file for this person, with a fresh salt. Raises `InputError` on a name that cannot stand in it."""
    salt = os.urandom(SALT_BYTES)
    line = f"{name}:{salt.hex()}${_digest(password, salt).hex()}"
    if not password or "\n" in name or name.startswith("#") or _LINE.fullmatch(line) is None:
        raise InputError(f"{name!r} cannot be used: give a name without colons or line breaks, and a password.")
    return line


class Passwords:
    """Who may use the page. Safe to use from several threads; one password is worked out at a time."""

    def __init__(self, digests: dict[str, tuple[bytes, bytes]]) -> None:
        self._digests = digests
        self._key = os.urandom(32)
        self._seen: set[bytes] = set()
        self._failures: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> "Passwords":
        """The people of a file. Raises `InputError` if it cannot be read, holds nobody or has a wrong line."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"The password file {str(path)!r} cannot be read: {error}.") from error
        digests: dict[str, tuple[bytes, bytes]] = {}
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.startswith("#"):
                continue
            match = _LINE.fullmatch(line.strip())
            if match is None:
                raise InputError(
                    f"Line {number} of {str(path)!r} is not name:salt$digest; make lines with: dateline password NAME"
                )
            digests[match["name"]] = (bytes.fromhex(match["salt"]), bytes.fromhex(match["digest"]))
        if not digests:
            raise InputError(f"The password file {str(path)!r} names nobody; make a line with: dateline password NAME")
        return cls(digests)

    def known(self, name: str, password: str) -> bool:
        """True if this pair was found right before: a keyed hash, so that a page's many requests cost nothing."""
        return self._token(name, password) in self._seen

    def wait(self, address: str, name: str = "") -> int:
        """Whole seconds until another password from this address and for this name is looked at; 0 if now."""
        with self._lock:
            return self._wait(address, name)

    def check(self, name: str, password: str, address: str) -> bool:
        """Whether the pair is right; `False` also while the address or the name has to wait.

        Takes as long for a name that nobody has as for a wrong password.
        """
        with self._lock:
            if self._wait(address, name):
                return False  # the failures of requests that came at the same time are known by now
            salt, expected = self._digests.get(name, (b"nobody", bytes(DIGEST_BYTES)))
            right = hmac.compare_digest(_digest(password, salt), expected) and name in self._digests
            if right:
                self._seen.add(self._token(name, password))
                self._failures.pop(_network(address), None)
            else:
                for key in (_network(address), _named(name)):
                    self._failures[key] = [*self._recent(key), time.monotonic()]
                while len(self._failures) > ADDRESSES_REMEMBERED:
                    del self._failures[min(self._failures, key=lambda known: self._failures[known][-1])]
            return right

    def _wait(self, address: str, name: str) -> int:
        seconds = 0.0
        for key, allowed in ((_network(address), FAILURES_ALLOWED), (_named(name), NAME_FAILURES_ALLOWED)):
            recent = self._recent(key)
            if len(recent) >= allowed:
                seconds = max(seconds, recent[-allowed] + FAILURE_WINDOW - time.monotonic(), 1.0)
        return round(seconds)

    def _recent(self, key: str) -> list[float]:
        since = time.monotonic() - FAILURE_WINDOW
        return [moment for moment in self._failures.get(key, []) if moment > since]

    def _token(self, name: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{name}\n{password}".encode("utf-8", "surrogatepass"), "sha256")


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, n=SCRYPT_COST, r=SCRYPT_BLOCK, p=1, dklen=DIGEST_BYTES
    )


def _network(address: str) -> str:
    """The key under which failures of an address are counted: of IPv6 the 64 bits that one customer has for himself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def _named(name: str) -> str:
    """The key under which failures for a name are counted; no address looks like it."""
    return f"name {name[:NAME_CHARACTERS]}"
