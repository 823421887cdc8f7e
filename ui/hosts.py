"""Under which names a server lets itself be reached: what a browser may write into the header `Host`.

A hostile page cannot send requests with a header of its own, but it can give its own name the address of a machine in
the reader's network (DNS rebinding) and then read whatever answers there. So only names are let in that are known to
mean this machine; an address in numbers is one, as nobody can point it elsewhere.
"""

import ipaddress
import socket
from collections.abc import Sequence

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""Names under which a server bound to loopback is reached. Any other name in a request came from a hostile page."""

ANY_ADDRESS = "address"
"""Stands among allowed hosts for every address in numbers. No real host has this name: it has no dot."""

ANY_NAME = "*"
"""Given as `--allow-host`, it lets in every name."""


def hosts_for(host: str, further: Sequence[str] = ()) -> tuple[str, ...]:
    """The host names to let in when serving at `host`, and those of `further`; empty if any name is let in.

    On loopback they are those of loopback. Elsewhere they are every address in numbers, the name of this machine (also
    with `.local` behind it, as it is called in a local network), and `host` itself if it is a name.
    """
    if ANY_NAME in further:
        return ()
    names = [*_own_names(host), *(name.strip().lower().rstrip(".") for name in further)]
    return tuple(dict.fromkeys(name for name in names if name))


def is_loopback(host: str) -> bool:
    """True if a server at this address is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def name_of(host: str) -> str:
    """The name in a header `Host`, in lower case: `localhost:7860` → `localhost`, `[::1]:7860` → `[::1]`."""
    host = host.strip().lower()
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.split(":", 1)[0]
    return name.rstrip(".")


def is_address(name: str) -> bool:
    """True if the name of a header `Host` is an address in numbers."""
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _own_names(host: str) -> list[str]:
    if is_loopback(host):
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return list(LOOPBACK_HOSTS)
        return [*LOOPBACK_HOSTS, f"[{host}]" if address.version == 6 else host]
    machine = socket.gethostname().lower()
    named = [] if is_address(host) else [host.lower()]
    return ["localhost", ANY_ADDRESS, machine, f"{machine.split('.')[0]}.local", *named]
