"""Where the page keeps what people do with it: conversations, feedback, evaluations.

It is a folder of its own, not the library's: questions that journalists ask are not for everybody who is given a copy
of the library, and a library may lie where nothing can be written.
"""

import hashlib
import re
from pathlib import Path

import platformdirs


def default_state_folder(library_path: Path) -> Path:
    """The folder for the page over this library, in the user's state folder; nothing is created."""
    whole = library_path.absolute().resolve()
    name = re.sub(r"[^\w.-]", "-", whole.name)[:40] or "library"
    digest = hashlib.sha256(str(whole).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return platformdirs.user_state_path("dateline", appauthor=False) / "pages" / f"{name}-{digest}"
