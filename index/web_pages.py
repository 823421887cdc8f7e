"""Main text of a web page, and what its markup states about it."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from index.dates import parse_date
from index.encodings import clean_text, decode_text
from index.errors import EmptyArticleError, UnsupportedFormatError
from index.metadata import clean_field, clean_url
from index.types import Metadata

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_DECLARED = re.compile(rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?([A-Za-z0-9_.:-]{2,40})""", re.I)
_DECLARED_WITHIN = 4096
"""Bytes at the beginning of a page in which its encoding is declared; the HTML standard asks for the first 1,024."""

_DATE_NAMES = frozenset(
    {
        "article:published_time",
        "og:published_time",
        "datepublished",
        "date",
        "pubdate",
        "publishdate",
        "publish_date",
        "publication_date",
        "article.published",
        "dc.date",
        "dc.date.issued",
        "dcterms.date",
        "dcterms.issued",
        "citation_publication_date",
        "citation_date",
        "parsely-pub-date",
        "sailthru.date",
    }
)
"""Names, lower case, under which a `meta` element states the date of publication."""

_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")


def read_page(raw: bytes, charset: str | None = None) -> tuple[str, Metadata]:
    """Main text of an HTML page and the title, site, author, date and address that its markup states.

    Text, title, author and site are found by trafilatura. The date is only taken where the markup names it as the
    date of publication, for trafilatura also takes the first date in the text. `charset` is as a server declared it.

    Raises:
        UnsupportedFormatError: The bytes are not text or cannot be parsed.
        EmptyArticleError: There is no article text in the page.
    """
    from lxml.html import document_fromstring
    from trafilatura import bare_extraction, baseline

    declared = _DECLARED.search(raw[:_DECLARED_WITHIN])
    page = decode_text(raw, charset or (declared[1].decode("ascii") if declared else None))
    # A declaration of the encoding is wrong once the page is decoded, and lxml refuses it.
    page = re.sub(r"^\s*<\?xml[^>]*\?>", "", clean_text(page))
    if not page.strip():
        raise EmptyArticleError("There is no text in it, only white space.")
    try:
        extracted = bare_extraction(page, with_metadata=True, include_comments=False)
        text = (extracted.text if extracted else None) or baseline(page)[1]
        tree = document_fromstring(page)
        published, url = _published(tree), _address(tree)
    except MemoryError:
        raise
    except Exception as error:
        raise UnsupportedFormatError("The page cannot be read as HTML; save its text as a .txt file.") from error
    if not text or not text.strip():
        raise EmptyArticleError("No article text was found in the page; save its text as a .txt file.")
    if not extracted:
        return text, Metadata(published=published, url=url)
    # A site without a name gets its host from trafilatura, which is not a name.
    site = None if _HOST.fullmatch(extracted.sitename or "") else clean_field(extracted.sitename)
    title, author = clean_field(extracted.title), clean_field(extracted.author)
    return text, Metadata(title=title, source=site, author=author, published=published, url=url)


def _published(tree: "HtmlElement") -> str | None:
    """The first date that the markup calls the date of publication and that can be understood."""
    return next((day for stated in _stated_dates(tree) if (day := parse_date(stated))), None)


def _stated_dates(tree: "HtmlElement") -> Iterator[str]:
    for meta in tree.iter("meta"):
        names = (meta.get("property"), meta.get("name"), meta.get("itemprop"))
        if any(name and name.strip().lower() in _DATE_NAMES for name in names):
            yield meta.get("content") or ""
    for script in tree.iter("script"):
        if (script.get("type") or "").strip().lower() == "application/ld+json":
            yield from _linked_data_dates(script.text or "")
    for element in tree.iter():
        if element.get("itemprop") == "datePublished" or (element.tag == "time" and element.get("pubdate") is not None):
            yield element.get("datetime") or element.get("content") or element.text or ""


def _linked_data_dates(script: str) -> Iterator[str]:
    """Dates of the articles that a JSON-LD script (schema.org) describes; none if it is not JSON."""
    try:
        pending = [json.loads(script)]
    except ValueError:
        return
    while pending:
        item = pending.pop(0)
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            if "Article" in str(item.get("@type")) and isinstance(item.get("datePublished"), str):
                yield item["datePublished"]
            pending += [item[name] for name in ("@graph", "mainEntity") if name in item]


def _address(tree: "HtmlElement") -> str | None:
    for link in tree.iter("link"):
        if (link.get("rel") or "").lower() == "canonical" and (address := clean_url(link.get("href"))):
            return address
    return None
