"""The files that the page loads from this server: style sheets and scripts in `ui/front`."""

import hashlib
from functools import cache
from importlib.resources import files

STYLES = ("page.css", "conversations.css", "source.css", "feedback.css", "library.css", "evaluate.css")
"""The style sheets, in the order in which the page reads them."""

FIRST_STYLE = "first.css"
"""The style sheet of what stands in the page before Gradio has drawn anything."""

ENTRY = "page.js"
"""The script that the page starts; it imports the others."""


@cache
def front_file(name: str) -> str:
    """The text of one of the page's files. Raises `FileNotFoundError` if there is none of that name."""
    return files("ui").joinpath("front", name).read_text(encoding="utf-8")


@cache
def front_names() -> frozenset[str]:
    """The names of all of the page's files."""
    return frozenset(entry.name for entry in files("ui").joinpath("front").iterdir() if entry.is_file())


@cache
def front_version() -> str:
    """A digest of all files; it is part of their address, so that browsers may keep them for ever."""
    digest = hashlib.sha256()
    for name in sorted(front_names()):
        digest.update(f"{name}\n{front_file(name)}".encode())
    return digest.hexdigest()[:12]


def page_head() -> str:
    """What goes into the head of the page."""
    folder = f"page/{front_version()}"
    styles = "".join(f'<link rel="stylesheet" href="{folder}/{name}">' for name in STYLES)
    return f'{styles}<script type="module" src="{folder}/{ENTRY}"></script>'


def page_preloads() -> str:
    """Has the browser fetch the page's files early, not only when Gradio's scripts have put `page_head` in place.

    Their priority is low: a browser opens six connections to a server, and Gradio's own files are waited for first.
    """
    folder = f"page/{front_version()}"
    styles = "".join(f'<link rel="preload" as="style" fetchpriority="low" href="{folder}/{name}">' for name in STYLES)
    scripts = sorted(name for name in front_names() if name.endswith(".js"))
    styles += f'<link rel="stylesheet" href="{folder}/{FIRST_STYLE}">'
    return styles + "".join(
        f'<link rel="modulepreload" fetchpriority="low" href="{folder}/{name}">' for name in scripts
    )
