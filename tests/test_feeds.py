"""RSS and Atom feeds, by address and as files: each entry an article, or the page behind its link."""

import threading
from collections.abc import Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from documents import SENTENCE
from fakes import BagOfWordsEncoder
from reading import read_here

import index.feeds
import index.readers
from index.errors import EmptyArticleError, ReadError, UnsupportedFormatError
from index.feeds import BadEntry, Entry, read_entries, read_entry
from index.ingest import index_paths
from index.library import Library
from index.readers import Record, find_records
from index.reading import read_records
from index.types import Article, Failure
from index.urls import Page, fetch
from index.web_connections import ALLOW_PRIVATE

WHOLE = "".join(f"<p>{SENTENCE} Paragraph {number} says so.</p>" for number in range(8))
PAGE = f"<html><head><title>Behind the link</title></head><body><article>{WHOLE}</article></body></html>"
RSS = f"""<?xml version="1.0"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>The Ledger</title><link>https://ledger.example/</link>
<item><title>Whole &amp; here</title><link>https://ledger.example/whole</link><guid isPermaLink="false">id-1</guid>
<pubDate>Sat, 03 Jun 2017 23:30:00 -0500</pubDate><dc:creator>Jane Doe</dc:creator>
<description>A teaser.</description><content:encoded>{escape(WHOLE)}</content:encoded></item>
<item><title>Teaser</title><link>/behind</link><description>How it begins …</description></item>
<item><title>Gone</title><link>/gone</link><description>How it begins …</description></item>
<item><title>Gone, too</title><link>/nowhere</link><description>&lt;img src="a.png"&gt;</description></item>
<item><title>No link</title><guid isPermaLink="false">id-4</guid><description>A short one, whole.</description></item>
<item><title>Nothing</title><guid isPermaLink="false">id-5</guid></item>
<item><title>Again</title><guid isPermaLink="false">id-1</guid><description>x</description></item>
</channel></rss>""".encode()
ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>The Ledger</title>
<entry><id>urn:1</id><title>Whole</title><link href="https://ledger.example/1"/><updated>2021-03-05T00:00:00Z</updated>
<published>2021-03-04T10:00:00Z</published><author><name>Jane Doe</name></author>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{WHOLE}</div></content></entry>
<entry><id>urn:2</id><title>Plain</title><updated>2021-03-05T00:00:00Z</updated>
<content type="text">Less &lt;than&gt; nothing, said the envoy.</content></entry></feed>""".encode()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answers = {
            "/feed": ("application/rss+xml", RSS),
            "/sent-as-html": ("text/html; charset=utf-8", RSS),
            "/atom": ("application/xml", ATOM),
            "/behind": ("text/html", PAGE.encode()),
        }
        kind, body = answers.get(self.path, ("text/html", b""))
        self.send_response(200 if self.path in answers else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def site(monkeypatch) -> Iterator[str]:
    monkeypatch.setenv(ALLOW_PRIVATE, "1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def found_at(*paths: object) -> tuple[dict[str, Article], dict[str, str]]:
    """The articles and the failures at paths, by origin."""
    found = list(find_records([str(path) for path in paths]))
    failures = {item.origin: item.reason for item in found if isinstance(item, Failure)}
    read = list(read_records(item for item in found if isinstance(item, Record)))
    articles = {record.origin: article for record, article in read if isinstance(article, Article)}
    assert len(articles) == len(read)
    return articles, failures


@pytest.mark.parametrize("path", ["feed", "sent-as-html"])
def test_a_feed_by_its_address(site, path):
    articles, failures = found_at(f"{site}/{path}")
    whole, behind, gone, short = articles.values()
    own = f"{site}/{path}#{site}/gone"
    assert list(articles) == [f"{site}/{path}#id-1", f"{site}/behind", own, f"{site}/{path}#id-4"]
    assert (whole.title, whole.source, whole.author) == ("Whole & here", "The Ledger", "Jane Doe")
    assert (whole.published, whole.url) == ("2017-06-03", "https://ledger.example/whole")
    assert "Paragraph 7 says so." in whole.text
    assert (behind.title, behind.url) == ("Behind the link", f"{site}/behind")
    assert (gone.title, gone.url, gone.text.strip()) == ("Gone", f"{site}/gone", "How it begins …")
    assert (short.title, short.text.strip()) == ("No link", "A short one, whole.")
    assert failures == {
        f"{site}/nowhere": "The server has no such page (status 404).",
        f"{site}/{path}#id-5": "The entry has neither a text nor a link.",
        f"{site}/{path}#id-1": "An entry above has the same identifier.",
    }


def test_the_page_of_a_teaser_is_that_of_its_address(site):
    by_feed = [item for item in find_records([f"{site}/feed"]) if item.origin == f"{site}/behind"]
    by_address = list(find_records([f"{site}/behind"]))
    both = [item for item in find_records([f"{site}/behind", f"{site}/feed"]) if item.origin == f"{site}/behind"]
    assert [item.digest for item in by_feed] == [item.digest for item in by_address] == [item.digest for item in both]
    assert read_here(by_feed[0]) == read_here(by_address[0])


def test_a_page_that_was_indexed_is_not_replaced_by_how_it_begins(site, tmp_path, monkeypatch):
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as library:
        index_paths(library, [f"{site}/feed"])
        before = library.origins()
        monkeypatch.setattr(index.readers, "fetch", _fetch_feed_alone)
        report = index_paths(library, [f"{site}/feed"])
        assert library.origins() == before
    assert f"{site}/behind" in before
    assert f"{site}/behind" in {failure.origin for failure in report.failed}


def _fetch_feed_alone(address: str) -> Page:
    if not address.endswith("/feed"):
        raise ReadError("The server does not answer.")
    return fetch(address)


ITEMS = "".join(
    f'<item><title>T{key}</title><guid isPermaLink="false">{key}</guid><description>Text {key}.</description></item>'
    for key in "abc"
)
SMALL = f'<?xml version="1.0"?>\n<rss version="2.0"><channel><title>N</title>{ITEMS}</channel></rss>\n'
SMALL_ATOM = (
    SMALL.replace('rss version="2.0"><channel', 'feed xmlns="http://www.w3.org/2005/Atom"')
    .replace("</channel></rss>", "</feed>")
    .replace('guid isPermaLink="false"', "id").replace("guid", "id").replace("item", "entry")
    .replace("description", "content")
)  # fmt: skip
AFTER_B = SMALL.index("</item>", SMALL.index("Text b"))


def keys_and_reason(raw: bytes) -> tuple[str, str]:
    """The keys of the entries of a feed, and what is wrong with it as a whole."""
    keys, reason = "", ""
    try:
        for entry in read_entries(raw, None):
            keys += entry.key
    except UnsupportedFormatError as error:
        reason = str(error)
    return keys, reason


@pytest.mark.parametrize(
    ("raw", "keys"),
    [
        (SMALL[: AFTER_B + 7], "ab"),
        (SMALL[: AFTER_B + 3], "a"),
        (SMALL[: SMALL.index("Text c") + 4], "ab"),
        (SMALL[: SMALL.index("<item>")], ""),
        (SMALL[: SMALL.index("</channel>")], "abc"),
        (SMALL[: SMALL.index("</rss>") + 4], "abc"),
        (SMALL_ATOM[: SMALL_ATOM.index("Text c") + 4], "ab"),
        (SMALL_ATOM[: SMALL_ATOM.rindex("</feed>")], "abc"),
        (SMALL[:AFTER_B] + "\0" * 30 + SMALL[AFTER_B + 30 :], None),
        (SMALL[:AFTER_B] + "</it" + SMALL[AFTER_B + 4 :].replace("em>", "\1m>", 1), None),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_feed_that_is_damaged(raw, keys, encoding):
    declared = raw.replace('"1.0"', f'"1.0" encoding="{encoding}"', 1)
    found, reason = keys_and_reason(declared.encode(encoding))
    assert keys in {None, found}
    assert reason == "The feed is damaged or cut off; entries that it had may be missing."


@pytest.mark.parametrize(
    "raw",
    [
        SMALL,
        SMALL_ATOM,
        SMALL.replace("Ta", "T&nbsp;a"),
        SMALL.replace("Tb", "Q & A"),
        SMALL + "<script>count()</script>",
        SMALL.replace("Tc", "<x:y>T</x:y>"),
        SMALL.replace('"1.0"', '"1.0" encoding="us-ascii"').replace("Ta", "Tä"),
    ],
)
def test_a_careless_feed_that_is_whole(raw):
    assert keys_and_reason(raw.encode()) == ("abc", "")


def test_nothing_of_a_damaged_feed_is_pruned(tmp_path):
    path = tmp_path / "a.rss"
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as library:
        path.write_text(SMALL, "utf-8")
        index_paths(library, [str(path)])
        path.write_text(SMALL[: AFTER_B + 7], "utf-8")
        report = index_paths(library, [str(path)], prune=True)
        assert (report.unchanged, report.removed, [failure.origin for failure in report.failed]) == (2, 0, [str(path)])
        path.write_text(SMALL[: AFTER_B + 7] + "</channel></rss>", "utf-8")
        report = index_paths(library, [str(path)], prune=True)
        assert (report.unchanged, report.removed, report.failed) == (2, 1, ())


def test_an_atom_feed(site, tmp_path):
    (tmp_path / "news.atom").write_bytes(ATOM)
    for origin in (f"{site}/atom", str(tmp_path / "news.atom")):
        articles, failures = found_at(origin)
        assert failures == {}
        whole, plain = articles.values()
        assert [key.removeprefix(origin) for key in articles] == ["#urn:1", "#urn:2"]
        assert (whole.title, whole.author, whole.published) == ("Whole", "Jane Doe", "2021-03-04")
        assert whole.url == "https://ledger.example/1"
        assert "Paragraph 7 says so." in whole.text
        assert (plain.published, plain.text.strip()) == (None, "Less <than> nothing, said the envoy.")


def test_the_links_of_a_file_are_checked_as_any_address(tmp_path, monkeypatch):
    monkeypatch.delenv(ALLOW_PRIVATE, raising=False)
    link = "http://169.254.169.254/latest/meta-data/"
    (tmp_path / "a.xml").write_text(
        f'<rss version="2.0"><channel><item><link>{link}</link></item></channel></rss>', "utf-8"
    )
    articles, failures = found_at(tmp_path)
    assert articles == {}
    assert failures[link].startswith("The host '169.254.169.254' is inside this machine or network;")


def test_no_more_entries_and_pages_than_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(index.feeds, "MAX_ENTRIES", 2)
    first, second, third = read_entries(RSS, "https://ledger.example/feed")
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert second.link == "https://ledger.example/behind"
    assert third == BadEntry("3", "The feed has more than 2 entries; these are not read.")
    monkeypatch.setattr(index.readers, "MAX_FETCHED_ENTRIES", 0)
    items = "".join(f"<item><link>http://127.0.0.1:1/{number}</link></item>" for number in range(3))
    (tmp_path / "a.rss").write_text(f'<rss version="2.0"><channel>{items}</channel></rss>', "utf-8")
    _, failures = found_at(tmp_path)
    assert set(failures.values()) == {"Of one feed, no more than 0 pages are fetched."}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"<urlset><url><loc>https://a.example/</loc></url></urlset>", "but a sitemap"),
        (b'<?xml version="1.0"?><sitemapindex/>', "but a sitemap"),
        (b"<html><body>x</body></html>", "but other XML, or no XML"),
        (b"/etc/passwd", "but other XML, or no XML"),
        (b"http://127.0.0.1/", "but other XML, or no XML"),
        (b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><d>&a;</d>', "but other XML, or no XML"),
    ],
)
def test_xml_that_is_no_feed(raw, reason):
    with pytest.raises(UnsupportedFormatError, match=reason):
        list(read_entries(raw, None))


def test_a_feed_without_entries():
    for raw in (b"", b" \n", b'<rss version="2.0"><channel/></rss>'):
        with pytest.raises(EmptyArticleError):
            list(read_entries(raw, None))


def test_entities_are_not_unfolded():
    levels = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    bomb = f'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">{levels}]><rss version="2.0"><channel><item><title>&j;</title>'
    outside = (
        '<!DOCTYPE r [<!ENTITY j SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><item><title>&j;</title>'
    )
    for start in (bomb, outside):
        raw = f"{start}<description>The text &j; here.</description></item></channel></rss>".encode()
        [entry] = read_entries(raw, None)
        assert isinstance(entry, Entry)
        text, _ = read_entry(entry.content)
        assert len(text) < 1_000
        assert "root:" not in text
