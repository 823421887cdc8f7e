"""What every reply says about itself: what the page may load and do, and who may keep the reply."""

import re
from collections.abc import Sequence

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'none'; style-src 'self' 'unsafe-inline'; "
        "script-src 'self' 'unsafe-eval'; connect-src 'self'; frame-src 'self'; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""Sent with every reply. Gradio's front end needs styles inside its elements and makes functions of texts; nothing may
come from another host, and no script that stands in the markup runs, so that markup which should ever slip through
can do nothing."""

KEPT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content policy of the pages of single answers, which have no script: their own style, and nothing else."""

FRAMED_PATHS = re.compile(r"/api/evaluations/[0-9a-f]+/report", re.ASCII)
"""Documents that the page shows in a frame: the report of an evaluation, which holds no script."""

FRAMED_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""Their content policy: nothing in them runs or loads, and only the page frames them."""

NONCE = "dateline.nonce"
"""Under this key the guard writes down in a request's scope the word that the page's own inline scripts carry."""

KEPT_FOR_EVER = "public, max-age=31536000, immutable"
"""For files whose address changes with their content."""

NEVER_KEPT = "no-store"
"""For everything else: questions, answers and articles are nothing for a cache on the way or on a shared machine."""

_HASHED = re.compile(r"/assets/[\w.-]+-[\w-]{8}\.\w+", re.ASCII)
"""Gradio's own files with a digest in their name."""

_PLAIN = re.compile(r"/static/.+|/theme\.css|/favicon\.ico", re.ASCII)
"""Files without one; a browser may keep them but has to ask whether they are still the same."""


def with_security(
    headers: Sequence[tuple[bytes, bytes]], path: str, status: int, nonce: str = ""
) -> list[tuple[bytes, bytes]]:
    """The reply's headers without any permission for other origins, with `SECURITY_HEADERS` and a word on caches.

    Inline scripts with the nonce may run; without one none may.
    """
    kept = [
        (name, value)
        for name, value in headers
        if not name.lower().startswith(b"access-control-") and name.lower().decode("latin-1") not in SECURITY_HEADERS
    ]
    if not any(name.lower() == b"cache-control" for name, _ in kept):
        kept.append((b"cache-control", _caching(path, status).encode("ascii")))
    policy, frames = SECURITY_HEADERS["content-security-policy"], SECURITY_HEADERS["x-frame-options"]
    if path.startswith("/a/"):
        policy = KEPT_POLICY
    elif FRAMED_PATHS.fullmatch(path):
        policy, frames = FRAMED_POLICY, "SAMEORIGIN"
    elif nonce:
        policy = policy.replace("script-src ", f"script-src 'nonce-{nonce}' ")
    ours = {**SECURITY_HEADERS, "content-security-policy": policy, "x-frame-options": frames}
    return kept + [(name.encode("ascii"), value.encode("ascii")) for name, value in ours.items()]


def _caching(path: str, status: int) -> str:
    if status not in (200, 304):
        return NEVER_KEPT
    if _HASHED.fullmatch(path):
        return KEPT_FOR_EVER
    return "no-cache" if _PLAIN.fullmatch(path) else NEVER_KEPT
