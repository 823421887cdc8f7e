"""What an article says about itself: title, source, place, author and date, as far as they are stated.

The text is never altered, except that whole lines at its top are left out: a Markdown front matter and the navigation
lines that remain when a web page was saved as text.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, replace

from index.dates import parse_date
from index.headers import MAX_TITLE_LENGTH, read_header
from index.types import UNSEEN, Metadata

MAX_FIELD_LENGTH = 500
"""Characters kept of a title, a name or a place; longer ones are a text in the wrong field."""

MAX_FRONT_MATTER_LINES = 200
"""A front matter not closed within so many lines is a text that opens with a rule."""

_NAMES = {
    "title": ("title", "headline"),
    "source": ("source", "publisher", "agency"),
    "place": ("place", "location"),
    "author": ("author", "authors", "byline"),
    "published": ("published", "date"),
    "url": ("url", "link"),
}
"""Field of `Metadata` → names under which a record or a front matter states it, the first that is filled counts."""

_BOILERPLATE = frozenset(
    line.casefold()
    for line in [
        "Accessibility links",
        "Accessibility",
        "Breaking News",
        "Skip to content",
        "Skip to main content",
        "Skip to main",
        "Skip links",
        "Skip to navigation",
        "Skip to main navigation",
        "Skip to search",
        "Skip to footer",
        "Jump to content",
        "Jump to navigation",
        "Main content",
        "Main navigation",
        "Navigation",
        "Toggle navigation",
        "Menu",
        "Main menu",
        "Open menu",
        "Close menu",
        "Home",
        "Search",
        "Open search",
        "Close",
        "Log in",
        "Login",
        "Sign in",
        "Sign up",
        "Register",
        "Subscribe",
        "Subscribe now",
        "My account",
        "Advertisement",
        "Share",
        "Share this",
        "Share this article",
        "Share on Facebook",
        "Share on Twitter",
        "Share on X",
        "Share via email",
        "Tweet",
        "Print",
        "Print this page",
        "Email",
        "Copy link",
        "Save",
        "Listen",
        "Listen to this article",
        "Follow us",
        "Newsletter",
        "Newsletters",
        "Back to top",
        "Back",
        "Next",
        "Previous",
        "Comments",
        "Read aloud",
        "Accept cookies",
        "Accept all cookies",
        "Cookie settings",
        "Live TV",
        "Watch live",
        "Latest news",
        "Top stories",
        "Trending",
        "Most read",
    ]
)
_PAYWALL = re.compile(r"you have (?:[0-9]+|one|two|three|no) (?:free )?articles? (?:left|remaining)\b.{0,40}", re.I)
_CRUMB_SEPARATOR = re.compile(r"\s+[>»›]\s+")
_BAR_SEPARATOR = re.compile(r"\s+[|·•]\s+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_FRONT_MATTER_FIELD = re.compile(r"(?P<key>[A-Za-z][\w .-]{0,40}):(?:[ \t]+(?P<value>.*))?[ \t]*")
_FRONT_MATTER_ITEM = re.compile(r"[ \t]*-[ \t]+(?P<value>\S.*)")
_FRONT_MATTER_FILLING = re.compile(r"[ \t]*(?:#.*)?|[ \t]+\S.*")


def read_metadata(text: str, *, markdown: bool = False, navigation: bool = True) -> tuple[str, Metadata]:
    """The text to store and what it states about itself.

    The stored text is the end of `text`: without its front matter (only if `markdown`) and without the lines of web
    navigation at its top (only if `navigation`, which is meant for plain text). What is not stated stays `None`.
    """
    stated = Metadata()
    if markdown:
        text, stated = _without_front_matter(text)
    if navigation:
        text = _without_navigation(text)
    header = read_header(text)
    header = replace(header, title=clean_field(header.title), source=clean_field(header.source))
    return text, combine(stated, header)


def combine(*statements: Metadata) -> Metadata:
    """Field by field the first statement that says something."""
    combined = Metadata()
    for statement in statements:
        missing = [field.name for field in fields(Metadata) if getattr(combined, field.name) is None]
        combined = replace(combined, **{name: getattr(statement, name) for name in missing})
    return combined


def metadata_from_fields(values: Mapping[str, object]) -> Metadata:
    """What named fields of a record state; names without regard to case, lists joined by commas.

    A date that cannot be understood and an address that is not http or https count as not stated.
    """
    named = {name.strip().casefold(): value for name, value in values.items()}
    stated = {
        field: next((found for name in names if (found := _as_text(named.get(name)))), None)
        for field, names in _NAMES.items()
    }
    published, url = stated.pop("published"), stated.pop("url")
    return Metadata(**stated, published=parse_date(published) if published else None, url=clean_url(url))


def clean_field(value: str | None) -> str | None:
    """A title or name on one line, at most `MAX_FIELD_LENGTH` characters long; `None` if it is empty.

    Control characters, halves of surrogate pairs, and signs that hide text or turn it around are left out.
    """
    if not value:
        return None
    return " ".join(_CONTROL.sub(" ", UNSEEN.sub("", value)).split())[:MAX_FIELD_LENGTH] or None


def clean_url(value: str | None) -> str | None:
    """An http or https address, `None` for anything else: it becomes a link on a page."""
    address = (value or "").strip()
    usable = re.match(r"https?://[^/\s]", address, re.IGNORECASE) and not re.search(r"[\s\x00-\x1f\x7f]", address)
    return address if usable else None


def _as_text(value: object) -> str | None:
    if isinstance(value, list):
        return clean_field(", ".join(str(item) for item in value if isinstance(item, str | int)))
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return clean_field(str(value))
    return None


def _without_front_matter(text: str) -> tuple[str, Metadata]:
    """The text after `---`, lines of `key: value`, `---`, and what the lines state; as it is if it has none."""
    lines = text.split("\n", MAX_FRONT_MATTER_LINES)
    closing = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() in {"---", "..."}), None)
    if lines[0].rstrip() != "---" or closing is None:
        return text, Metadata()
    values: dict[str, object] = {}
    items: list[str] = []
    for line in lines[1:closing]:
        if match := _FRONT_MATTER_FIELD.fullmatch(line):
            items = []
            values[match["key"]] = _front_matter_value(match["value"] or "") or items
        elif item := _FRONT_MATTER_ITEM.fullmatch(line):
            items.append(_unquoted(item["value"]))
        elif not _FRONT_MATTER_FILLING.fullmatch(line):
            return text, Metadata()
    if not values:
        return text, Metadata()
    return "\n".join(lines[closing + 1 :]).lstrip("\n"), metadata_from_fields(values)


def _front_matter_value(value: str) -> object:
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        return [_unquoted(item) for item in value[1:-1].split(",")]
    return _unquoted(value)


def _unquoted(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'" else value


def _without_navigation(text: str) -> str:
    """The text from the first line that is neither empty nor navigation; as it is if no line is navigation."""
    start = 0
    dropped = False
    while start < len(text):
        end = text.find("\n", start)
        line = text[start : end if end >= 0 else len(text)].strip()
        if line and not _is_navigation(line):
            return text[start:] if dropped else text
        dropped = dropped or bool(line)
        if end < 0:
            break
        start = end + 1
    return text


def _is_navigation(line: str) -> bool:
    """Whether a line is a link or a row of links of a page around the article."""
    if len(line) > MAX_TITLE_LENGTH:
        return False
    lower = line.casefold()
    if lower in _BOILERPLATE or _PAYWALL.fullmatch(lower):
        return True
    crumbs = _CRUMB_SEPARATOR.split(lower)
    if len(crumbs) >= 2 and crumbs[0] == "home":
        return True
    links = _BAR_SEPARATOR.split(lower)
    return len(links) >= 3 and any(link in _BOILERPLATE for link in links) and all(len(x.split()) <= 4 for x in links)
