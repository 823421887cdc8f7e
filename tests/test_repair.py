"""Damaged databases: noticed before use, mended from what is intact, and what is lost is named."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fakes import BagOfWordsEncoder

from index import library as library_module
from index.errors import DatelineError, LibraryDamagedError, LibraryNotFoundError
from index.library import Library
from index.repair import repair_library
from index.store import DATABASE_NAME
from index.types import Article, Finding, Metadata, SearchFilter
from index.witness import WITNESS_NAME

WORDS = "harbour ferry tariff strike council veto talks minister storm bridge museum grain lamp pilot".split()
COUNT = 30


def made_articles() -> list[Article]:
    source = random.Random(3)
    return [
        Article.from_text(
            f"Item{number} {' '.join(source.choices(WORDS, k=120))}.",
            Metadata(title=f"Title {number}", source="Wire", published="2020-01-02"),
            f"/news/{number}.txt",
        )
        for number in range(COUNT)
    ]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("original") / "library"
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.put([(article, article.sha256) for article in made_articles()])
    return path


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "library")
    return tmp_path / "library"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(path / DATABASE_NAME, isolation_level=None)
    yield opened
    opened.close()


def opened(path: Path) -> Library:
    return Library.open(path, BagOfWordsEncoder())


def found(path: Path) -> object:
    """Everything that can be asked of a library."""
    with opened(path) as library:
        hits = [
            [(hit.passage, round(hit.score, 5)) for hit in search(word, 8, SearchFilter())]
            for word in WORDS[:4]
            for search in (library.dense, library.keyword)
        ]
        return hits, [library.article(summary.article_id) for summary in library.articles()]


def search_everything(library: Library) -> None:
    for word in WORDS:
        library.dense(word, 1_000, SearchFilter())
        library.keyword(word, 1_000, SearchFilter())


def bad(findings: list[Finding]) -> list[str]:
    return [finding.check for finding in findings if not finding.ok]


CHANGES = {
    "a text": "UPDATE articles SET text = replace(text, 'Item7 ', 'Item8 ')",
    "a title": "UPDATE articles SET title = 'Other' WHERE row = 3",
    "a date": "UPDATE articles SET first_day = '2021-01-01' WHERE row = 3",
    "an embedding": "UPDATE passages SET embedding = (SELECT embedding FROM passages WHERE row = 2) WHERE row = 9",
    "an offset": "UPDATE passages SET start = start + 1 WHERE row = 4",
    "a missing passage": "DELETE FROM passages WHERE row = 5",
    "a missing article": "DELETE FROM articles WHERE row = 5",
    "a missing origin": "DELETE FROM origins WHERE article_row = 6",
    "a digest": "UPDATE origins SET digest = 'x' WHERE article_row = 6",
    "the encoder": "UPDATE manifest SET value = 'other' WHERE key = 'encoder_name'",
    "the generation": "UPDATE manifest SET value = '9' WHERE key = 'generation'",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_every_change_behind_the_librarys_back_is_noticed(
    path: Path, connection: sqlite3.Connection, change: str
) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(change)
    with pytest.raises(LibraryDamagedError, match="dateline doctor --repair"):
        opened(path)


@pytest.mark.parametrize("change", ["a text", "a title", "an embedding", "an offset", "a missing passage"])
def test_a_large_database_is_checked_row_by_row_as_it_is_read(
    path: Path, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(library_module, "CHECKED_AT_OPENING_BYTES", 0)
    connection.execute(CHANGES[change])
    with opened(path) as library:
        assert "database" in bad(library.check())
        with pytest.raises(LibraryDamagedError):
            search_everything(library)


def test_what_is_intact_is_saved_and_the_rest_is_named(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute(CHANGES["a text"])
    connection.execute(CHANGES["a missing origin"])
    findings = repair_library(path, BagOfWordsEncoder())
    assert bad(findings) == ["lost"]
    (lost,) = [finding.message for finding in findings if finding.check == "lost"]
    assert "/news/7.txt" in lost
    assert "'Title 5'" in lost, "its origins are not known any more"
    assert "dateline index PATH" in lost
    with opened(path) as library:
        assert bad(library.check()) == []
        kept = [library.article(summary.article_id) for summary in library.articles()]
    assert kept == [article for number, article in enumerate(made_articles()) if number not in (5, 7)]
    assert (path / f"{DATABASE_NAME}.damaged").is_file(), "nothing is thrown away"


@pytest.mark.parametrize("change", ["an embedding", "a missing passage", "an offset"])
def test_passages_that_are_damaged_are_made_again(
    path: Path, connection: sqlite3.Connection, original: Path, change: str
) -> None:
    connection.execute(CHANGES[change])
    encoder = BagOfWordsEncoder()
    assert bad(repair_library(path, encoder)) == []
    assert 0 < len(encoder.encoded) < 10, "only those of the article that was damaged"
    with opened(path) as library:
        assert {one.article_id for one in library.articles()} == {one.article_id for one in made_articles()}
        before = [hit.passage for hit in library.dense("harbour", 1_000, SearchFilter())]
    with opened(original) as library:
        assert {hit.passage for hit in library.dense("harbour", 1_000, SearchFilter())} == set(before)


def test_the_next_indexing_does_not_read_again_what_was_saved(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute(CHANGES["a digest"])
    (lost,) = [one.message for one in repair_library(path, BagOfWordsEncoder()) if one.check == "lost"]
    assert "'Title 5'" in lost
    with opened(path) as library:
        digests = [library.origin_digest(article.origin) for article in made_articles()]
    assert digests == [None if number == 5 else article.sha256 for number, article in enumerate(made_articles())]


def test_a_description_that_is_gone_cannot_be_mended_and_nothing_is_touched(
    path: Path, connection: sqlite3.Connection
) -> None:
    connection.execute("DELETE FROM manifest WHERE key = 'encoder_digest'")
    before = (path / DATABASE_NAME).read_bytes()
    with pytest.raises(LibraryDamagedError, match="Nothing can be saved"):
        repair_library(path, BagOfWordsEncoder())
    assert (path / DATABASE_NAME).read_bytes() == before


def test_there_must_be_a_library(tmp_path: Path) -> None:
    with pytest.raises(LibraryNotFoundError):
        repair_library(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_random_damage_is_never_an_answer_and_the_mended_library_holds_only_what_was_there(
    original: Path, tmp_path: Path
) -> None:
    expected, articles = found(original), {article.article_id: article for article in made_articles()}
    for seed in range(25):
        source, path = random.Random(seed), tmp_path / str(seed)
        shutil.copytree(original, path)
        content = bytearray((path / DATABASE_NAME).read_bytes())
        at, length = source.randrange(len(content)), source.choice([1, 16, 4_096])
        content[at : at + length] = source.randbytes(len(content[at : at + length]))
        (path / DATABASE_NAME).write_bytes(content)
        with suppress(DatelineError):
            assert found(path) == expected, seed
        try:
            findings = repair_library(path, BagOfWordsEncoder())
        except LibraryDamagedError:
            continue  # the manifest is hit, which says what the library is
        with opened(path) as library:
            assert bad(library.check()) == [], seed
            kept = [library.article(summary.article_id) for summary in library.articles()]
        assert all(article == articles[article.article_id] for article in kept), seed
        assert (len(kept) < COUNT) == ("lost" in bad(findings)), seed


# A database that SQLite does not open


def mended(path: Path) -> tuple[list[Article], list[Finding]]:
    """The articles that a repair keeps, of a library that is sound again and whose damaged file was left as it was."""
    before = (path / DATABASE_NAME).read_bytes()
    findings = repair_library(path, BagOfWordsEncoder())
    assert (path / f"{DATABASE_NAME}.damaged").read_bytes() == before
    assert not list(path.glob("*.copy")), "the copy is gone"
    with opened(path) as library:
        assert bad(library.check()) == []
        kept = [library.article(summary.article_id) for summary in library.articles()]
    originals = {article.article_id: article for article in made_articles()}
    assert all(article == originals[article.article_id] for article in kept)
    return kept, findings


def write(path: Path, at: int, content: bytes) -> None:
    with (path / DATABASE_NAME).open("r+b") as file:
        file.seek(at)
        file.write(content)


@pytest.mark.parametrize(("share", "least"), [(0.99, COUNT - 3), (0.9, COUNT - 6), (0.5, 1)])
def test_a_database_that_was_cut_off_is_mended_from_what_is_left(path: Path, share: float, least: int) -> None:
    with (path / DATABASE_NAME).open("r+b") as file:
        file.truncate(int((path / DATABASE_NAME).stat().st_size * share))
    kept, findings = mended(path)
    assert len(kept) >= least
    assert (len(kept) < COUNT) == ("lost" in bad(findings))


HEADERS = {
    "the magic": (0, b"\0" * 16),
    "the page size": (16, b"\x03\x07"),
    "another page size": (16, b"\x20\x00"),
    "the versions": (18, b"\xff\xff"),
    "the payload fractions": (21, b"\0\0\0"),
    "the whole header": (0, b"\xff" * 100),
    "the number of pages": (28, b"\x7f\xff\xff\xff"),
    "the count of tables": (103, b"\xff\xff"),
    "the whole first page": (0, b"\0" * 4_096),
}


@pytest.mark.parametrize(("at", "content"), HEADERS.values(), ids=list(HEADERS))
def test_a_first_page_that_is_damaged_costs_no_article(path: Path, at: int, content: bytes) -> None:
    write(path, at, content)
    kept, findings = mended(path)
    assert len(kept) == COUNT
    assert bad(findings) == []


def test_names_of_columns_that_are_damaged_cost_no_article(path: Path) -> None:
    page = (path / DATABASE_NAME).read_bytes()[:4_096]
    write(path, page.index(b"article_id"), b"article_ix")
    assert len(mended(path)[0]) == COUNT


def test_rows_are_checked_though_the_first_cannot_be_read(path: Path, connection: sqlite3.Connection) -> None:
    """Whether there are checksums is not asked of the rows, of which the first ones can be those that are damaged."""
    connection.execute("UPDATE articles SET title = 'Other' WHERE row = 20")
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'articles'").fetchone()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    page = (path / DATABASE_NAME).read_bytes()[(root - 1) * 4_096 : root * 4_096]
    first = int.from_bytes(page[12:14], "big")
    assert page[0] == 5, "the root has children"
    leaf = int.from_bytes(page[first : first + 4], "big")
    write(path, (leaf - 1) * 4_096, b"\0" * 4_096)
    kept, findings = mended(path)
    assert "Other" not in [article.title for article in kept]
    assert "lost" in bad(findings)


def test_what_is_only_in_the_log_is_saved_too(path: Path) -> None:
    """A commit that needs no new page: the first one, which is damaged, is not in the log."""
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.put([(made_articles()[0].at("/second.txt"), "digest")])
        crashed = {file: file.read_bytes() for file in (path / DATABASE_NAME, path / f"{DATABASE_NAME}-wal")}
    for file, content in crashed.items():
        file.write_bytes(content)
    write(path, 16, b"\x03\x07")
    repair_library(path, BagOfWordsEncoder())
    with opened(path) as library:
        assert bad(library.check()) == []
        assert library.count_articles() == COUNT
        assert library.origin_digest("/second.txt") == "digest"


def test_what_is_no_database_at_all_is_refused_and_left(path: Path) -> None:
    for content in (b"", b"A letter.", b"A letter." * 10_000):
        (path / DATABASE_NAME).write_bytes(content)
        with pytest.raises(LibraryDamagedError, match="Nothing can be saved"):
            repair_library(path, BagOfWordsEncoder())
        assert (path / DATABASE_NAME).read_bytes() == content
        assert not list(path.glob("*.copy"))


# A database that was set back


def test_an_older_database_is_noticed_and_can_be_accepted(path: Path, tmp_path: Path) -> None:
    shutil.copy(path / DATABASE_NAME, tmp_path / "older")
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.put([(Article.from_text("A late report.", Metadata(), "/late.txt"), "digest")])
    shutil.copy(tmp_path / "older", path / DATABASE_NAME)
    with pytest.raises(LibraryDamagedError, match="of generation 1, and had come to 2"):
        opened(path)
    with pytest.raises(LibraryDamagedError, match="had come to 2"):
        Library.open_for_writing(path, BagOfWordsEncoder())
    findings = repair_library(path, BagOfWordsEncoder())
    assert bad(findings) == ["history"]
    with opened(path) as library:
        assert bad(library.check()) == []
        assert library.count_articles() == COUNT
        assert len(library.keyword("harbour", 1_000, SearchFilter())) > 10


def test_a_database_of_another_library_is_noticed(path: Path, tmp_path: Path) -> None:
    with Library.open_for_writing(tmp_path / "other", BagOfWordsEncoder()) as library:
        library.put([(Article.from_text("A late report.", Metadata(), "/late.txt"), "digest")])
    shutil.copy(tmp_path / "other" / DATABASE_NAME, path / DATABASE_NAME)
    with pytest.raises(LibraryDamagedError, match="another library"):
        opened(path)


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", '{"library": 3, "generation": "x"}'])
def test_without_the_note_everything_works_and_it_is_written_again(path: Path, content: str | None) -> None:
    expected = found(path)
    if content is None:
        (path / WITNESS_NAME).unlink()
    else:
        (path / WITNESS_NAME).write_text(content)
    assert found(path) == expected
    with opened(path) as library:
        assert bad(library.check()) == [WITNESS_NAME]
    assert bad(repair_library(path, BagOfWordsEncoder())) == []
    assert (path / WITNESS_NAME).is_file()


def test_text_that_is_none_is_damage(path: Path) -> None:
    """Two bytes that are no UTF-8, in what stands before a passage."""
    with (path / DATABASE_NAME).open("r+b") as file:
        content = file.read()
        file.seek(content.rfind(b"Title 9") + 3)
        file.write(b"\xff\xfe")
    with pytest.raises(LibraryDamagedError, match="dateline doctor --repair"):
        opened(path)
    repair_library(path, BagOfWordsEncoder())
    with opened(path) as library:
        assert bad(library.check()) == []
        assert library.count_articles() >= COUNT - 1


def test_a_library_that_lost_its_database_is_not_made_anew(path: Path) -> None:
    (path / DATABASE_NAME).unlink()
    for opening in (opened, lambda found: Library.open_for_writing(found, BagOfWordsEncoder()), repair_library):
        with pytest.raises(LibraryDamagedError, match="lost its database"):
            opening(path)
    (path / WITNESS_NAME).unlink()
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        assert library.count_articles() == 0


def test_damage_is_said_once(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute(CHANGES["an offset"])
    with pytest.raises(LibraryDamagedError) as raised:
        opened(path)
    assert str(raised.value).count("is damaged") == str(raised.value).count("Mend it with") == 1
