"""RSS and Atom feeds: their entries, each an article or the address of one.

Many feeds carry whole articles, others only how they begin. An entry of which there is too little text stands for the
page behind its link. feedparser reads the XML and every habit that feeds have; what it gives is cleaned here. It makes
something of a feed that is cut off, too, and says nothing of what is missing; that is found out here.
"""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from index.dates import parse_date
from index.encodings import clean_text
from index.errors import EmptyArticleError, UnsupportedFormatError
from index.formats import read_format
from index.metadata import clean_field, clean_url, combine
from index.types import Metadata, sha256_hex

MAX_ENTRIES = 1_000
"""Entries of a feed that are read. Those of news sites have ten to a hundred."""

TEASER_CHARACTERS = 600
"""Characters of text below which an entry with a link is taken for the beginning of the page behind it. Teasers have
100 to 400, the shortest news articles about 800."""

_CUT = re.compile(r"(?:\[…\]|\[\.\.\.\]|…|\.\.\.|(?:read|continue|see) (?:more|reading|the rest)[^.]{0,40})\s*$", re.I)
"""The end of a text that goes on elsewhere."""

_BEGIN = re.compile(rb"<(?:\w+:)?(?:item|entry)[\s>]", re.I)
_END = re.compile(rb"</(?:\w+:)?(?:item|entry)\s*>", re.I)
_END_OF_FEED = re.compile(rb"</(?:\w+:)?(?:rss|feed|rdf)\s*>", re.I)
_HOLE = b"\0" * 4
"""What a file has where it was never written; no encoding has it within a text."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: its key within the feed, and the fields that `read_entry` understands.

    `link` is the address of the article if the entry is only a teaser, else `None`; `has_text` is whether there is any
    text of the entry's own.
    """

    key: str
    link: str | None
    content: bytes
    has_text: bool


@dataclass(frozen=True, slots=True)
class BadEntry:
    """An entry that cannot be used: its key, and why, in one sentence."""

    key: str
    reason: str


def read_entries(raw: bytes, address: str | None) -> Iterator[Entry | BadEntry]:
    """The entries of a feed in its order. Relative links count from `address`, where the feed came from.

    Raises:
        UnsupportedFormatError: It is XML of another kind, or no XML, or it is damaged: after the entries that are left.
        EmptyArticleError: It has no entry.
    """
    import feedparser

    if not raw.strip():
        raise EmptyArticleError("It is empty.")
    headers = {"content-type": "application/xml"} | ({"content-location": address} if address else {})
    # A stream, for feedparser takes bytes that are a path or an address for the place of the feed.
    feed = feedparser.parse(io.BytesIO(raw), response_headers=headers)
    if not feed.version:
        kind = "a sitemap" if re.search(rb"<(?:\w+:)?(?:urlset|sitemapindex)\b", raw[:4096]) else "other XML, or no XML"
        raise UnsupportedFormatError(f"It is no RSS or Atom feed but {kind}; give the addresses of the articles.")
    is_damaged = _is_damaged(raw, feed)
    keys: set[str] = set()
    for number, entry in enumerate(feed.entries[:-1] if is_damaged and _ends_within_entry(raw) else feed.entries):
        if number >= MAX_ENTRIES:
            yield BadEntry(str(number + 1), f"The feed has more than {MAX_ENTRIES:,} entries; these are not read.")
            return
        yield _entry(entry, feed, keys)
    if is_damaged:
        raise UnsupportedFormatError("The feed is damaged or cut off; entries that it had may be missing.")
    if not keys:
        raise EmptyArticleError("The feed has no entries.")


def read_entry(content: bytes) -> tuple[str, Metadata]:
    """Text of an entry with an article, and what the entry states. Raises `ReadError` as pages do."""
    fields = json.loads(content)
    title = escape(fields.get("title", ""))
    page = f"<html><head><title>{title}</title></head><body><article>{fields['html']}</article></body></html>"
    text, own = read_format(page.encode("utf-8"), "html", "utf-8")
    names = ("title", "source", "author", "published", "url")
    return text, combine(Metadata(**{name: fields.get(name) for name in names}), own)


def _is_damaged(raw: bytes, feed: Any) -> bool:
    """True unless the XML is well-formed, or careless but whole: entries all closed, and the feed after them.

    Many feeds that are whole have an `&` or an `&nbsp;` too many, or words behind their end.
    """
    import feedparser

    harmless = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
    if not feed.bozo or isinstance(feed.bozo_exception, harmless):
        return False
    plain = _plain(raw)
    ends = [found.end() for found in _END.finditer(plain)]
    is_whole = (
        len(_BEGIN.findall(plain)) == len(ends) == len(feed.entries)
        and _END_OF_FEED.search(plain, ends[-1] if ends else 0) is not None
        and _HOLE not in raw
    )
    return not is_whole


def _ends_within_entry(raw: bytes) -> bool:
    """True if the last entry begins and does not end; what there is of it is no article."""
    plain = _plain(raw)
    return _BEGIN.search(plain, max((found.end() for found in _END.finditer(plain)), default=0)) is not None


def _plain(raw: bytes) -> bytes:
    """The feed with its tags in ASCII, in UTF-16, too."""
    return raw.replace(b"\0", b"")


def _entry(entry: Any, feed: Any, keys: set[str]) -> Entry | BadEntry:
    html = _content(entry)
    link = clean_url(entry.get("link"))
    fields = {
        "title": clean_field(_text(entry.get("title"))),
        "source": clean_field(_text(feed.feed.get("title"))),
        "author": clean_field(entry.get("author")),
        "published": _published(entry, feed.version),
        "url": link,
        "html": html,
    }
    content = json.dumps({name: value for name, value in fields.items() if value}, sort_keys=True).encode("ascii")
    key = clean_field(entry.get("id")) or link or sha256_hex(content.decode("ascii"))[:16]
    if key in keys:
        return BadEntry(key, "An entry above has the same identifier.")
    keys.add(key)
    text = _text(html)
    if link and (len(text) < TEASER_CHARACTERS or _CUT.search(text)):
        return Entry(key, link, content, bool(text))
    if not text:
        return BadEntry(key, "The entry has neither a text nor a link.")
    return Entry(key, None, content, has_text=True)


def _content(entry: Any) -> str:
    """The longest that the entry has of its article, as HTML."""
    found = [*entry.get("content", ()), entry.get("summary_detail") or {}]
    texts = [
        escape(value).replace("\n", "<br>") if item.get("type") == "text/plain" else value
        for item in found
        if isinstance(value := item.get("value"), str)
    ]
    return clean_text(max(texts, key=len, default=""))


def _text(html: str | None) -> str:
    from lxml.etree import LxmlError
    from lxml.html import fromstring

    if not html or not html.strip():
        return ""
    try:
        return " ".join(fromstring(clean_text(html).replace("\0", "")).text_content().split())
    except (LxmlError, ValueError):
        return ""


def _published(entry: Any, version: str) -> str | None:
    """The day of publication as it is stated, else that of the moment that feedparser understood."""
    names = ["published"] if version.startswith("atom") else ["published", "updated"]
    for name in names:
        if name not in entry:
            continue
        moment = entry.get(f"{name}_parsed")
        day = f"{moment.tm_year:04}-{moment.tm_mon:02}-{moment.tm_mday:02}" if moment else ""
        if found := parse_date(str(entry[name])) or parse_date(day):
            return found
    return None
