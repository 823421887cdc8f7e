"""Where the page keeps what people do with it: conversations, feedback, evaluations.

It is a folder of its own, not the library's: questions that journalists ask are not for everybody who is given a copy
of the library, and a library may lie where nothing can be written.
"""

import hashlib
import os
import re
from pathlib import Path

import platformdirs


def default_state_folder(library_path: Path) -> Path:
    """The folder for the page over this library, in the user's state folder; nothing is created."""
    whole = library_path.absolute().resolve()
    name = re.sub(r"[^\w.-]", "-", whole.name)[:40] or "library"
    digest = hashlib.sha256(str(whole).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return platformdirs.user_state_path("dateline", appauthor=False) / "pages" / f"{name}-{digest}"


def usable_state_folder(library_path: Path) -> Path | None:
    """The same folder, made; `None` if nothing can be written there."""
    folder = default_state_folder(library_path)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None
