"""The SQLite file: what goes in comes out, a change is whole or absent, and other files are refused by name."""

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.article_filter import ArticleFilter
from index.errors import LibraryFormatError, LibraryWriteError
from index.keywords import KeywordDocument
from index.store import DATABASE_NAME, FORMAT_VERSION, Stamp, Store, StoredOrigin
from index.types import Article, Metadata, Passage, SearchFilter

MANIFEST = {"encoder_name": "bag-of-words", "encoder_digest": "0" * 64, "dimension": "2", "max_tokens": "64"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / DATABASE_NAME


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store.create(path, MANIFEST)
    yield opened
    opened.close()


def article_of(text: str, origin: str = "/a.txt", **known: str) -> Article:
    return Article.from_text(text, Metadata(**known), origin)


def passages_of(article: Article, *ranges: tuple[int, int]) -> list[Passage]:
    return [
        Passage(f"{article.article_id}:{a}-{b}", article.article_id, a, b, article.text[a:b], "Context")
        for a, b in ranges
    ]


def unit(*angles: float) -> NDArray[np.float32]:
    return np.array([[np.cos(angle), np.sin(angle)] for angle in angles], dtype=np.float32).reshape(-1, 2)


def put(store: Store, article: Article, *ranges: tuple[int, int]) -> int:
    """Stores an article with passages in the given ranges, in one commit; returns its row."""
    with store.change():
        row = store.put_article(article)
        store.put_passages(row, passages_of(article, *ranges), unit(*range(len(ranges))))
        store.set_origin(article.origin, "digest", row)
    return row


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.generation() == 0
    counts = {"generation": "0", "changes_after": "0", "articles": "0", "passages": "0"}
    manifest = store.manifest()
    assert len(manifest.pop("library_id")) == 32
    assert manifest == {"format_version": str(FORMAT_VERSION), **counts, **MANIFEST}
    assert (store.count_articles(), store.count_passages()) == (0, 0)
    assert store.summaries() == []
    assert store.all_origins() == {}
    assert list(store.embedding_blocks(2)) == []
    assert store.integrity() == []
    assert store.stamp("vectors") is None


@settings(max_examples=60)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    known=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["title", "source", "place", "author"], st.text(max_size=9))
    ),
)
def test_an_article_comes_out_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory, text: str, known: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("library") / DATABASE_NAME
    article = article_of(text, **known)
    whole = (0, len(text))
    first = Store.create(path, MANIFEST)
    row = put(first, article, whole)
    first.close()
    again = Store.open(path)
    try:
        assert again.article(article.article_id) == article
        (passage_row,) = again.passage_rows(row)
        assert again.passages([passage_row])[passage_row].text == text
        assert again.integrity() == []
    finally:
        again.close()


def test_passages_are_cut_by_code_points(store: Store) -> None:
    article = article_of("a\0b 😀 naïve café")
    row = put(store, article, (0, 3), (4, 5), (6, 11))
    rows = store.passage_rows(row)
    assert [store.passages(rows)[found].text for found in rows] == ["a\0b", "😀", "naïve"]
    assert store.passages(rows)[rows[1]] == passages_of(article, (4, 5))[0]
    assert list(store.keyword_documents([row])) == [
        KeywordDocument(rows[0], row, article.title, "a\0b"),
        KeywordDocument(rows[1], row, article.title, "😀"),
        KeywordDocument(rows[2], row, article.title, "naïve"),
    ]
    assert list(store.keyword_documents([row + 1])) == []
    assert len(list(store.keyword_documents())) == 3


def test_whole_articles_as_the_keyword_index_takes_them(store: Store) -> None:
    first, second = article_of("a\0b 😀 naïve", title="Café"), article_of("one two", "/b.txt")
    rows = put(store, first, (0, 3), (4, 5)), put(store, second)
    expected = [
        KeywordDocument(row, row, article.title, article.text)
        for row, article in zip(rows, (first, second), strict=True)
    ]
    assert list(store.article_documents()) == expected
    assert [list(store.article_documents([row])) for row in rows] == [expected[:1], expected[1:]]
    assert list(store.article_documents([])) == list(store.article_documents([99])) == []


def test_embeddings_come_back_exactly(store: Store) -> None:
    first = put(store, article_of("one two"), (0, 3), (4, 7))
    second = put(store, article_of("three", "/b.txt"), (0, 5))
    ((rows, articles, vectors),) = store.embedding_blocks(2)
    assert rows.tolist() == store.passage_rows(first) + store.passage_rows(second)
    assert articles.tolist() == [first, first, second]
    np.testing.assert_array_equal(vectors, unit(0, 1, 0))
    assert vectors.dtype == np.float32
    ((only, _, vectors),) = store.embedding_blocks(2, [second])
    assert only.tolist() == store.passage_rows(second)
    np.testing.assert_array_equal(store.embeddings(rows[1:], 2)[2], unit(1, 0))


def test_a_change_is_one_generation(store: Store) -> None:
    put(store, article_of("one"), (0, 3))
    assert store.generation() == 1
    put(store, article_of("two", "/b"), (0, 3))
    assert store.generation() == 2
    store.set_stamp("vectors", Stamp(2, "f" * 64))
    assert (store.generation(), store.stamp("vectors")) == (2, Stamp(2, "f" * 64))
    store.forget_stamps()
    assert store.stamp("vectors") is None


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_change_that_fails_leaves_nothing(store: Store, error: type[BaseException]) -> None:
    article = article_of("one")
    put(store, article, (0, 3))
    before = store.summaries()

    def fail_in_the_middle() -> None:
        with store.change():
            store.put_article(article_of("two", "/b"))
            store.remove_origin(article.origin)
            store.remove_orphans()
            raise error

    with pytest.raises(error):
        fail_in_the_middle()
    assert (store.summaries(), store.generation()) == (before, 1)
    put(store, article_of("two", "/b"), (0, 3))
    assert store.generation() == 2


def test_a_reader_sees_commits_and_a_snapshot_sees_one(store: Store, path: Path) -> None:
    reader = Store.open(path)
    try:
        with store.change():
            row = store.put_article(article_of("one"))
            store.set_origin("/a.txt", "digest", row)
            assert reader.count_articles() == 0
        assert reader.count_articles() == 1
        with reader.snapshot():
            assert reader.count_articles() == 1
            put(store, article_of("two", "/b"))
            assert (reader.count_articles(), reader.generation()) == (1, 1)
        assert (reader.count_articles(), reader.generation()) == (2, 2)
    finally:
        reader.close()


def test_a_full_disk_is_one_sentence_and_changes_nothing(store: Store) -> None:
    put(store, article_of("one"), (0, 3))
    connection = store._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LibraryWriteError, match="free some space") as raised:
        put(store, article_of("two " * 10_000, "/b"))
    assert "full" in str(raised.value)
    assert (store.count_articles(), store.generation(), store.integrity()) == (1, 1, [])
    connection.execute("PRAGMA max_page_count = 1000000")
    put(store, article_of("two " * 10_000, "/b"))
    assert (store.count_articles(), store.generation()) == (2, 2)


def test_origins(store: Store) -> None:
    row = put(store, article_of("one", "/b"))
    with store.change():
        store.set_origin("/a", "other", row)
    assert store.origin("/a") == StoredOrigin("other", row)
    assert store.origin("/c") is None
    (summary,) = store.summaries()
    assert summary.origins == ("/a", "/b")
    article = store.article(summary.article_id)
    assert article is not None
    assert article.origins == ("/a", "/b")
    assert store.all_origins() == dict.fromkeys(["/a", "/b"], summary.article_id)
    with store.change():
        store.remove_origin("/b")
        assert store.remove_orphans() == []
    with store.change():
        store.remove_origin("/a")
        assert store.remove_orphans() == [row]
    assert (store.article(summary.article_id), store.count_articles()) == (None, 0)


def test_passages_go_with_their_article_and_rows_are_not_used_again(store: Store) -> None:
    first = put(store, article_of("one two"), (0, 3), (4, 7))
    rows = store.passage_rows(first)
    with store.change():
        store.remove_origin("/a.txt")
        store.remove_orphans()
    assert store.count_passages() == 0
    second = put(store, article_of("one two"), (0, 3))
    assert second > first
    assert min(store.passage_rows(second)) > max(rows)
    assert store.passages(rows) == {}


def test_summaries_count_characters_and_passages(store: Store) -> None:
    put(
        store,
        article_of("one 😀", title="Title", source="TASS", published="2017-06", url="https://news.example/"),
        (0, 3),
    )
    put(store, article_of("two", "/b"))
    first, second = store.summaries()
    assert (first.characters, first.passages, first.title, first.source) == (5, 1, "Title", "TASS")
    assert (first.published, first.url) == ("2017-06", "https://news.example/")
    assert (second.characters, second.passages, second.source) == (3, 0, None)


def matching(store: Store, search_filter: SearchFilter) -> list[int]:
    """Rows of the articles that a filter lets through."""
    articles = ArticleFilter()
    articles.put(store.filter_fields())
    return np.flatnonzero(articles.matching(search_filter)).tolist()


DATED = {
    "day": "2017-06-03",
    "month": "2017-06",
    "year": "2017",
    "no year": "--06-03",
    "none": None,
    "later": "2022-05-27",
}


@pytest.mark.parametrize(
    ("date_from", "date_to", "expected"),
    [
        (None, None, set(DATED)),
        ("2017-06-03", "2017-06-03", {"day", "month", "year"}),
        ("2017-06-04", "2017-06-30", {"month", "year"}),
        ("2017-06-30", None, {"month", "year", "later"}),
        ("2017-07-01", "2017-07-01", {"year"}),
        ("2017-12-31", "2018-12-31", {"year"}),
        ("2018-01-01", None, {"later"}),
        (None, "2017-01-01", {"year"}),
        (None, "2016-12-31", set()),
        ("2022-05-27", "2022-05-27", {"later"}),
        ("2022-05-28", None, set()),
        ("2018-01-01", "2017-01-01", set()),
    ],
)
def test_a_date_stated_in_part_counts_if_any_fitting_day_is_in_the_range(
    store: Store, date_from: str | None, date_to: str | None, expected: set[str]
) -> None:
    rows = {
        put(store, Article.from_text(name, Metadata(published=day), f"/{name}")): name for name, day in DATED.items()
    }
    limits = [None if day is None else date.fromisoformat(day) for day in (date_from, date_to)]
    assert {rows[row] for row in matching(store, SearchFilter(*limits))} == expected


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2016-12-31", {"no year", "none"}),
        ("2017-01-01", {"year", "no year", "none"}),
        ("2017-06-02", {"month", "year", "no year", "none"}),
        ("2017-06-03", {"day", "month", "year", "no year", "none"}),
        ("2022-05-26", {"day", "month", "year", "no year", "none"}),
        ("2022-05-27", set(DATED)),
    ],
)
def test_as_of_leaves_out_what_was_published_later_and_keeps_what_has_no_date(
    store: Store, as_of: str, expected: set[str]
) -> None:
    rows = {
        put(store, Article.from_text(name, Metadata(published=day), f"/{name}")): name for name, day in DATED.items()
    }
    assert {rows[row] for row in matching(store, SearchFilter(as_of=date.fromisoformat(as_of)))} == expected


def test_publication_days_are_the_first_and_the_last_that_fit(store: Store) -> None:
    articles = {name: Article.from_text(name, Metadata(published=day), f"/{name}") for name, day in DATED.items()}
    for article in articles.values():
        put(store, article)
    wanted = [article.article_id for name, article in articles.items() if name != "later"]
    assert store.publication_days([*wanted, "none such"]) == {
        articles["day"].article_id: (date(2017, 6, 3), date(2017, 6, 3)),
        articles["month"].article_id: (date(2017, 6, 1), date(2017, 6, 30)),
        articles["year"].article_id: (date(2017, 1, 1), date(2017, 12, 31)),
    }


def test_sources_compare_without_case_and_with_dates(store: Store) -> None:
    tass = put(store, article_of("one", "/1", source="TASS", published="2017"))
    paper = put(store, article_of("two", "/2", source="Straße", published="2017"))
    unknown = put(store, article_of("three", "/3", published="2017"))

    def of(*sources: str, date_from: date | None = None) -> set[int]:
        return set(matching(store, SearchFilter(date_from, None, frozenset(sources))))

    assert of("tass") == {tass}
    assert of("STRASSE", "Tass") == {tass, paper}
    assert of("TAS") == of("") - {unknown} == set()
    assert of() == {tass, paper, unknown}
    assert of("tass", date_from=date(2018, 1, 1)) == set()


def test_metadata_of_a_stored_text_is_replaced(store: Store) -> None:
    row = put(store, article_of("one", published="2017", source="TASS"), (0, 3))
    assert put(store, article_of("one", published="2022", title="New"), (0, 3)) == row
    article = store.article(article_of("one").article_id)
    assert article is not None
    assert (article.published, article.title, article.source) == ("2022", "New", None)
    assert matching(store, SearchFilter(date(2022, 1, 1), None)) == [row]
    assert matching(store, SearchFilter(None, date(2017, 12, 31))) == []


# Files that are not libraries


@pytest.mark.parametrize("content", [b"", b"Just some text. " * 500, b"SQLite format 3\0" + b"\0" * 4_080])
def test_a_file_that_is_no_library_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LibraryFormatError, match="not the database of a library") as raised:
        Store.open(path)
    assert str(path) in str(raised.value)
    assert "--library" in str(raised.value)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    with pytest.raises(LibraryFormatError, match="no such table"):
        Store.open(path)


@pytest.mark.parametrize("version", ["3", "0", "new"])
def test_another_format_version_is_refused_by_name(path: Path, version: str) -> None:
    Store.create(path, MANIFEST).close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE manifest SET value = ? WHERE key = 'format_version'", (version,))
    connection.close()
    with pytest.raises(
        LibraryFormatError, match=f"format version {version}; this version of Dateline reads 1 and 2"
    ) as raised:
        Store.open(path)
    assert "dateline index PATH --library NEW_FOLDER" in str(raised.value)


def test_a_library_without_a_version_is_refused(path: Path) -> None:
    Store.create(path, MANIFEST).close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM manifest")
    connection.close()
    with pytest.raises(LibraryFormatError, match="format version none"):
        Store.open(path)


def test_creation_that_was_interrupted_leaves_no_library_and_can_be_repeated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            Store.create(path, MANIFEST)
    assert not path.exists()
    Store.create(path, MANIFEST).close()
    assert [found.name for found in path.parent.iterdir()] == [DATABASE_NAME]


def test_a_changed_text_is_found(store: Store) -> None:
    put(store, article_of("one"), (0, 3))
    put(store, article_of("two", "/b"), (0, 3))
    store._connection.execute("UPDATE articles SET text = 'six' WHERE text = 'two'")
    (problem,) = store.integrity()
    assert f"the text of article {article_of('two').article_id} is not the one that was stored" in problem


# A folder that cannot be written. Root may write everywhere, so as root another user reads.

READ = """
import os, sys
from pathlib import Path
sys.path[:0] = {search_path!r}
from index.store import Store
from index.types import Article, Metadata
# As another user even the interpreter's own files may be out of reach, so all is imported before.
if os.geteuid() == 0:
    os.setuid(65534)
store = Store.open(Path({path!r}))
assert {write!r} or store.count_articles() == 1, store.count_articles()
print(store.generation())
if {write!r}:
    with store.change():
        store.put_article(Article.from_text("new", Metadata(), "/new"))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user can reach, unlike `tmp_path`."""
    made = Path(tempfile.mkdtemp(prefix="dateline-"))
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


def read_as_other(path: Path, *, write: bool = False) -> subprocess.CompletedProcess[str]:
    for file in path.parent.iterdir():
        file.chmod(0o444)
    path.parent.chmod(0o555)
    code = READ.format(search_path=[entry for entry in sys.path if entry], path=str(path), write=write)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_a_folder_that_cannot_be_written_opens_for_reading(folder: Path) -> None:
    store = Store.create(folder / DATABASE_NAME, MANIFEST)
    put(store, article_of("one"), (0, 3))
    store.close()
    before = sorted(found.name for found in folder.iterdir())
    done = read_as_other(folder / DATABASE_NAME)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert sorted(found.name for found in folder.iterdir()) == before == [DATABASE_NAME]


def test_commits_in_the_log_are_read_where_the_folder_cannot_be_written(folder: Path) -> None:
    store = Store.create(folder / DATABASE_NAME, MANIFEST)
    put(store, article_of("one"), (0, 3))
    try:
        assert (folder / f"{DATABASE_NAME}-wal").stat().st_size > 0
        done = read_as_other(folder / DATABASE_NAME)
        assert (done.stdout, done.stderr) == ("1\n", "")
    finally:
        folder.chmod(0o755)
        store.close()


def test_changing_what_cannot_be_written_is_one_sentence(folder: Path) -> None:
    Store.create(folder / DATABASE_NAME, MANIFEST).close()
    done = read_as_other(folder / DATABASE_NAME, write=True)
    assert done.stdout == "0\n"
    assert "LibraryWriteError" in done.stderr
    assert "check its permissions" in done.stderr
