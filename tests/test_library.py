"""A library as a whole: what it keeps, what it finds, and that nothing is lost when files or processes are."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import BagOfWordsEncoder
from hypothesis import given, settings
from hypothesis import strategies as st
from tantivy import SchemaBuilder

import index.library
from index.errors import (
    ArticleNotFoundError,
    EncoderMismatchError,
    LibraryBusyError,
    LibraryFormatError,
    LibraryNotFoundError,
    LibraryWriteError,
)
from index.keywords import ANALYZER, ARTICLE_TITLE_BOOST, KeywordIndex
from index.library import Library, PutResult
from index.passages import encoder_input
from index.search_files import ARTICLE_KEYWORDS_NAME, KEYWORDS_NAME, NAMES, VECTORS_NAME
from index.store import DATABASE_NAME
from index.types import Article, Hit, Metadata, SearchFilter
from index.vectors import VectorIndex
from index.witness import WITNESS_NAME

ALL = SearchFilter()
TEXTS = {
    "/news/veto.txt": "Russia vetoed the resolution. China vetoed it as well.",
    "/news/talks.txt": "Lavrov called for talks. The talks begin in May, he said.",
    "/news/tariff.txt": "The harbour raised its tariff. Ships left the harbour for Tarrow.",
}


def article_of(origin: str, text: str | None = None, **known: str) -> Article:
    return Article.from_text(TEXTS[origin] if text is None else text, Metadata(**known), origin)


def put(library: Library, *articles: Article, digest: str = "digest") -> PutResult:
    return library.put([(article, digest) for article in articles])


@pytest.fixture
def encoder() -> BagOfWordsEncoder:
    return BagOfWordsEncoder()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def filled(path: Path, encoder: BagOfWordsEncoder) -> Path:
    """A closed library of the three texts."""
    with Library.open_for_writing(path, encoder) as library:
        put(library, *map(article_of, TEXTS))
    encoder.encoded.clear()
    return path


QUERIES = ["Who vetoed the resolution?", "talks in May", "harbour", "the", "nothing of it"]


def all_hits(library: Library, search_filter: SearchFilter = ALL) -> list[list[Hit]]:
    """Everything that the two searches for passages find for some queries."""
    searches = (library.dense, library.keyword)
    return [search(query, limit, search_filter) for query in QUERIES for search in searches for limit in (1, 10)]


def all_found(library: Library) -> tuple[list[list[Hit]], list[list[tuple[str, float]]]]:
    """As `all_hits`, and what the search for articles finds."""
    return all_hits(library), [library.keyword_articles(query, limit, ALL) for query in QUERIES for limit in (1, 10)]


def found_on_disk(path: Path) -> tuple[list[list[Hit]], list[list[tuple[str, float]]]]:
    with Library.open(path, BagOfWordsEncoder()) as library:
        return all_found(library)


def origins_of(hits: list[Hit], library: Library) -> list[str]:
    return [library.article(hit.passage.article_id).origin for hit in hits]


# Add, update, remove


def test_articles_go_in_and_come_out(path: Path, encoder: BagOfWordsEncoder) -> None:
    known = {"title": "Veto", "source": "TASS", "published": "2017-06-03", "url": "https://news.example/1"}
    article = article_of("/news/veto.txt", **known)
    with Library.open_for_writing(path, encoder) as library:
        assert (library.generation, library.articles(), all_hits(library)) == (0, [], [[]] * 20)
        assert put(library, article, article_of("/news/talks.txt")) == PutResult(2, 0, 0)
        assert library.generation == 1
        assert library.article(article.article_id) == article
        assert library.origin_digest("/news/veto.txt") == "digest"
        assert library.origin_digest("/news/none.txt") is None
        first, second = library.articles()
        assert (first.article_id, first.title, first.source) == (article.article_id, "Veto", "TASS")
        assert (first.characters, first.passages) == (len(article.text), 1)
        assert second.origins == ("/news/talks.txt",)
        assert (library.count_articles(), library.count_passages()) == (2, 2)
        assert library.encoder_name == "bag-of-words"
        assert library.path == path


def test_hits_have_ranks_from_one_and_falling_scores(filled: Path, encoder: BagOfWordsEncoder) -> None:
    with Library.open(filled, encoder) as library:
        dense, keyword = library.dense("the harbour", 10, ALL), library.keyword("the harbour", 10, ALL)
        assert [hit.dense_rank for hit in dense] == [hit.rank for hit in dense] == [1, 2, 3]
        assert [hit.keyword_rank for hit in keyword] == [hit.rank for hit in keyword] == [1, 2, 3]
        assert {hit.keyword_rank for hit in dense} == {hit.dense_rank for hit in keyword} == {None}
        for hits in (dense, keyword):
            assert origins_of(hits, library)[0] == "/news/tariff.txt"
            scores = [hit.score for hit in hits]
            assert scores == sorted(scores, reverse=True)
        assert library.dense("the harbour", 1, ALL) == dense[:1]
        assert library.dense("the harbour", 0, ALL) == library.keyword("the harbour", 0, ALL) == []


def test_dense_scores_are_cosines_of_the_encoder(filled: Path, encoder: BagOfWordsEncoder) -> None:
    with Library.open(filled, encoder) as library:
        hits = library.dense("Ships left", 3, ALL)
        query, *vectors = encoder.encode(["Ships left", *(encoder_input(hit.passage) for hit in hits)])
        np.testing.assert_allclose([hit.score for hit in hits], np.stack(vectors) @ query, atol=1e-6)


def test_a_passage_is_its_own_nearest(filled: Path, encoder: BagOfWordsEncoder) -> None:
    with Library.open(filled, encoder) as library:
        for summary in library.articles():
            for passage in library.passages(summary.article_id):
                (hit,) = library.dense(encoder_input(passage), 1, ALL)
                assert hit.passage == passage
                assert hit.score == pytest.approx(1, abs=1e-6)


def test_the_same_text_from_two_origins_is_one_article(path: Path, encoder: BagOfWordsEncoder) -> None:
    text = TEXTS["/news/veto.txt"]
    with Library.open_for_writing(path, encoder) as library:
        first = article_of("/b.txt", text, title="First")
        assert put(library, first, article_of("/a.txt", text, title="Second")) == PutResult(1, 0, 1)
        encoder.encoded.clear()
        assert put(library, article_of("/c.txt", text)) == PutResult(0, 0, 1)
        assert encoder.encoded == []
        (summary,) = library.articles()
        assert (summary.origins, summary.title) == (("/a.txt", "/b.txt", "/c.txt"), "First")
        assert len(library.keyword("vetoed", 10, ALL)) == len(library.dense("vetoed", 10, ALL)) == 1
        assert library.remove_origins(["/b.txt", "/c.txt"]) == 0
        assert library.article(first.article_id).origins == ("/a.txt",)
        assert len(library.keyword("vetoed", 10, ALL)) == 1
        assert library.remove_origins(["/a.txt"]) == 1
        assert (library.articles(), all_hits(library)) == ([], [[]] * 20)


def test_an_edited_article_encodes_only_itself(filled: Path, encoder: BagOfWordsEncoder) -> None:
    old = article_of("/news/veto.txt")
    edited = article_of("/news/veto.txt", "Russia abstained. The resolution passed.")
    with Library.open_for_writing(filled, encoder) as library:
        assert put(library, edited, digest="new") == PutResult(0, 1, 0)
        assert encoder.encoded == [edited.text]
        assert library.origin_digest("/news/veto.txt") == "new"
        with pytest.raises(ArticleNotFoundError):
            library.article(old.article_id)
    with Library.open(filled, encoder) as library:
        assert library.count_articles() == 3
        assert library.keyword("vetoed", 10, ALL) == []
        assert origins_of(library.keyword("abstained", 10, ALL), library) == ["/news/veto.txt"]
        assert len(library.dense("vetoed", 10, ALL)) == 3


def test_metadata_alone_encodes_nothing(filled: Path, encoder: BagOfWordsEncoder) -> None:
    with Library.open_for_writing(filled, encoder) as library:
        before = library.passages(article_of("/news/veto.txt").article_id)
        assert put(library, article_of("/news/veto.txt", source="TASS", published="2017")) == PutResult(0, 1, 0)
        assert encoder.encoded == []
        assert library.passages(before[0].article_id) == before
        assert library.article(before[0].article_id).source == "TASS"
    with Library.open(filled, encoder) as library:
        only = SearchFilter(sources=frozenset(["tass"]))
        assert origins_of(library.keyword("the", 10, only), library) == ["/news/veto.txt"]


def test_a_new_title_is_encoded_and_found(filled: Path, encoder: BagOfWordsEncoder) -> None:
    titled = article_of("/news/veto.txt", title="Council deadlocked")
    with Library.open_for_writing(filled, encoder) as library:
        put(library, titled)
        assert encoder.encoded == [f"Council deadlocked\n{titled.text}"]
    with Library.open(filled, encoder) as library:
        assert origins_of(library.keyword("deadlocked", 10, ALL), library) == ["/news/veto.txt"]
        (best, *_) = library.dense("Council deadlocked", 1, ALL)
        assert (best.passage.context, best.passage.text) == ("Council deadlocked", titled.text)
        assert library.count_passages() == 3


def test_texts_that_change_places_in_one_batch(filled: Path, encoder: BagOfWordsEncoder) -> None:
    veto, talks = TEXTS["/news/veto.txt"], TEXTS["/news/talks.txt"]
    with Library.open_for_writing(filled, encoder) as library:
        put(library, article_of("/news/veto.txt", talks), article_of("/news/talks.txt", veto))
        assert library.count_articles() == 3
        assert origins_of(library.keyword("vetoed", 10, ALL), library) == ["/news/talks.txt"]
        assert origins_of(library.dense("vetoed", 1, ALL), library) == ["/news/talks.txt"]
        assert library.origins() == {
            "/news/veto.txt": article_of("/", talks).article_id,
            "/news/talks.txt": article_of("/", veto).article_id,
            "/news/tariff.txt": article_of("/news/tariff.txt").article_id,
        }


def test_a_text_that_moves_in_the_batch_that_replaces_it_is_kept(filled: Path, encoder: BagOfWordsEncoder) -> None:
    with Library.open_for_writing(filled, encoder) as library:
        moved = article_of("/news/new.txt", TEXTS["/news/veto.txt"])
        put(library, article_of("/news/veto.txt", "Nothing happened."), moved)
        assert library.article(moved.article_id).origins == ("/news/new.txt",)
        assert len(library.passages(moved.article_id)) == 1
        assert origins_of(library.dense("vetoed", 1, ALL), library) == ["/news/new.txt"]


def test_removal_is_all_or_nothing(filled: Path, encoder: BagOfWordsEncoder) -> None:
    with Library.open_for_writing(filled, encoder) as library:
        veto, talks = (article_of(origin).article_id for origin in ("/news/veto.txt", "/news/talks.txt"))
        with pytest.raises(ArticleNotFoundError, match=r"'none'.*dateline articles"):
            library.remove([veto, "none"])
        assert (library.count_articles(), library.generation) == (3, 1)
        assert library.remove([veto, talks]) == 2
        assert library.count_articles() == 1
        with pytest.raises(ArticleNotFoundError):
            library.passages(veto)
    with Library.open(filled, encoder) as library:
        assert library.keyword("vetoed talks", 10, ALL) == []
        assert origins_of(library.dense("vetoed talks", 10, ALL), library) == ["/news/tariff.txt"]


def test_articles_are_found_by_origin_or_file_name(filled: Path, encoder: BagOfWordsEncoder) -> None:
    veto = article_of("/news/veto.txt").article_id
    with Library.open_for_writing(filled, encoder) as library:
        for name in ("/news/veto.txt", "news/veto.txt", "veto.txt", "/elsewhere/veto.txt"):
            assert library.find_article(name) == veto
        for name in ("none.txt", "eto.txt", "veto", ""):
            assert library.find_article(name) is None
        put(library, article_of("/old/veto.txt", "Another text."))
        assert library.find_article("veto.txt") is None, "two articles have that name"
        assert library.find_article("/news/veto.txt") == veto


# Filters


DATED = {"/day": "2017-06-03", "/month": "2017-06", "/year": "2017", "/no-year": "--06-03", "/none": None}


@pytest.mark.parametrize(
    ("search_filter", "expected"),
    [
        (ALL, set(DATED)),
        (SearchFilter(date(2017, 6, 3), date(2017, 6, 3)), {"/day", "/month", "/year"}),
        (SearchFilter(date(2017, 6, 4), None), {"/month", "/year"}),
        (SearchFilter(None, date(2017, 5, 31)), {"/year"}),
        (SearchFilter(date(2018, 1, 1), None), set()),
        (SearchFilter(sources=frozenset(["tass", "none"])), {"/day", "/none"}),
        (SearchFilter(date(2017, 1, 1), None, frozenset(["TASS"])), {"/day"}),
        (SearchFilter(sources=frozenset(["none"])), set()),
    ],
)
def test_both_searches_stay_inside_the_filter(
    path: Path, encoder: BagOfWordsEncoder, search_filter: SearchFilter, expected: set[str]
) -> None:
    sources = {"/day": "TASS", "/none": "Tass", "/year": "Reuters"}
    articles = [
        Article.from_text(f"The ship {name} left.", Metadata(published=day, source=sources.get(name)), name)
        for name, day in DATED.items()
    ]
    with Library.open_for_writing(path, encoder) as library:
        put(library, *articles)
        for search in (library.dense, library.keyword):
            hits = search("the ship", 10, search_filter)
            assert set(origins_of(hits, library)) == expected
            assert [hit.rank for hit in hits] == list(range(1, len(expected) + 1))
        found = library.keyword_articles("the ship", 10, search_filter)
        assert {library.article(identifier).origin for identifier, _ in found} == expected
        assert len(found) == len(expected)


@pytest.mark.parametrize("beside_from", [0, 10**9])
def test_both_searches_at_once_find_what_each_finds(
    path: Path, encoder: BagOfWordsEncoder, beside_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.library, "BESIDE_FROM", beside_from)
    words = ["ship", "crane", "ferry"]
    searched: list[bool] = []
    search = KeywordIndex.search

    def watched(*arguments: Any, **named: Any) -> Any:
        searched.append(threading.current_thread() is threading.main_thread())
        return search(*arguments, **named)

    with Library.open_for_writing(path, encoder) as library:
        put(
            library,
            *(article_of(origin, f"The {word} left. A vote.") for origin, word in zip("abc", words, strict=True)),
        )
        for search_filter in (ALL, SearchFilter(date_to=date(1900, 1, 1)), SearchFilter(sources=frozenset({"tass"}))):
            for query in ("the vote", words[0], "?"):
                each = library.dense(query, 2, search_filter), library.keyword(query, 2, search_filter)
                articles = library.keyword_articles(query, 2, search_filter)
                with monkeypatch.context() as patch:
                    patch.setattr(KeywordIndex, "search", watched)
                    searched.clear()
                    assert library.dense_and_keyword(query, 2, search_filter, 2) == each
                    assert searched == [beside_from > 0] * 2
                    scores = library.article_scores(query, 2, search_filter, [name for name, _ in articles])
                    assert scores == dict(articles)
                    assert len(searched) == 2, "the articles were looked for already"
        assert library.dense_and_keyword("vote", 2, ALL, 2)[1]
        put(library, article_of("/new", "A vote, a vote, a vote."))
        new = {hit.passage.article_id for hit in library.keyword("vote", 1, ALL)}
        assert set(library.article_scores("vote", 2, ALL, new)) == new, "what was found before it came is not it"


def test_an_error_beside_the_vectors_is_raised(path: Path, encoder: BagOfWordsEncoder, monkeypatch) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("no words")

    monkeypatch.setattr(index.library, "BESIDE_FROM", 0)
    monkeypatch.setattr(KeywordIndex, "search", broken)
    with Library.open_for_writing(path, encoder) as library:
        put(library, article_of("/a", "The ship left."))
        with pytest.raises(ValueError, match="no words"):
            library.dense_and_keyword("ship", 1, ALL, 1)


def test_articles_are_found_by_all_their_passages(path: Path) -> None:
    """No passage of the best article has both words, and a passage of another has one of them twice."""
    encoder = BagOfWordsEncoder(max_tokens=8)
    texts = {
        "/both": "The veto was late. Nobody came to the harbour. It rained then.",
        "/harbour": "The harbour, a harbour. It was a long day. They ate bread.",
        "/veto": "There was no veto. It was a long vote. They went home.",
    }
    with Library.open_for_writing(path, encoder) as library:
        put(library, *(article_of(origin, text, title="News") for origin, text in texts.items()))
        assert library.count_passages() == 9
        assert origins_of(library.keyword("veto harbour", 1, ALL), library) == ["/harbour"]
        found = library.keyword_articles("veto harbour", 10, ALL)
        assert [library.article(identifier).origin for identifier, _ in found] == ["/both", "/harbour", "/veto"]
        assert found == sorted(found, key=lambda pair: -pair[1])
        assert library.keyword_articles("veto harbour", 1, ALL) == found[:1]
        assert library.keyword_articles("veto harbour", 0, ALL) == library.keyword_articles("?", 9, ALL) == []


def test_the_title_of_a_whole_article_has_its_own_weight(path: Path, encoder: BagOfWordsEncoder) -> None:
    titled, other = article_of("/a", "Ships left.", title="Veto"), article_of("/b", "Veto left.", title="Ships")
    with Library.open_for_writing(path, encoder) as library:
        put(library, titled, other)
        found = dict(library.keyword_articles("veto", 10, ALL))
    # Titles and texts have the same lengths, so only the weight differs.
    assert found[titled.article_id] == pytest.approx(ARTICLE_TITLE_BOOST * found[other.article_id], rel=1e-5)


# Files on disk

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "remove", "reopen"]),
        st.integers(0, 5),
        st.lists(st.sampled_from(["Ships left.", "It was late.", "No vote.", "Veto!"]), min_size=1, max_size=12),
    ),
    max_size=8,
)


@settings(max_examples=25)
@given(OPERATIONS)
def test_any_history_gives_what_a_fresh_library_gives(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, int, list[str]]]
) -> None:
    """After puts, edits, removals and reopenings the library holds, and finds, what one made at once does."""
    folder = tmp_path_factory.mktemp("history")
    encoder = BagOfWordsEncoder(max_tokens=16)
    texts: dict[str, str] = {}
    library = Library.open_for_writing(folder / "grown", encoder)
    for kind, number, sentences in operations:
        origin = f"/{number}.txt"
        if kind == "put":
            texts[origin] = " ".join(sentences)
            put(library, article_of(origin, texts[origin]))
        elif kind == "remove":
            texts.pop(origin, None)
            library.remove_origins([origin])
        else:
            library.close()
            library = Library.open_for_writing(folder / "grown", encoder)
    library.close()
    with Library.open_for_writing(folder / "fresh", encoder) as library:
        put(library, *(article_of(origin, text) for origin, text in sorted(texts.items())))

    def found(name: str) -> tuple[object, ...]:
        with Library.open(folder / name, encoder) as library:
            assert all(finding.ok for finding in library.check())
            dense = sorted((round(hit.score, 5), hit.passage.text) for hit in library.dense("No ships left", 99, ALL))
            keyword = {hit.passage.passage_id for hit in library.keyword("No ships left", 99, ALL)}
            articles = {identifier for identifier, _ in library.keyword_articles("No ships left", 99, ALL)}
            return library.origins(), {s.article_id: s.passages for s in library.articles()}, dense, keyword, articles

    assert found("grown") == found("fresh")


def test_reopening_gives_equal_hits_from_the_files(path: Path, encoder: BagOfWordsEncoder) -> None:
    with Library.open_for_writing(path, encoder) as library:
        put(library, *map(article_of, list(TEXTS)[:2]))
        put(library, article_of("/news/tariff.txt"))
        before = all_found(library)
    with Library.open(path, encoder) as library:
        assert all_found(library) == before
        assert [finding.check for finding in library.check() if finding.ok] == [
            "database",
            *NAMES,
            "tokens",
            "sentences",
        ]


def test_derived_files_are_read_and_not_built_again(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = found_on_disk(filled)
    with monkeypatch.context() as patch:
        patch.setattr(VectorIndex, "build", lambda *arguments: pytest.fail("built again"))
        patch.setattr("index.keywords.KeywordIndex.create", lambda *arguments: pytest.fail("built again"))
        assert found_on_disk(filled) == expected


def derived(library: Path, name: str) -> Path:
    """The only derived file or folder of that name."""
    (found,) = (path for path in library.iterdir() if path.name.rpartition("-")[0] == name)
    return found


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def change_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def damage_keywords(folder: Path) -> None:
    change_byte(max(folder.iterdir(), key=lambda file: file.stat().st_size))


DAMAGES_OF_KEYWORDS = [
    shutil.rmtree,
    damage_keywords,
    lambda folder: (folder / "meta.json").write_text("{}"),
    lambda folder: (folder / "meta.json").unlink(),
]
DAMAGES = [
    (VECTORS_NAME, Path.unlink),
    (VECTORS_NAME, truncate),
    (VECTORS_NAME, change_byte),
    (VECTORS_NAME, lambda file: file.write_bytes(b"")),
    *((name, damage) for name in (KEYWORDS_NAME, ARTICLE_KEYWORDS_NAME) for damage in DAMAGES_OF_KEYWORDS),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_damaged_files_change_no_result_are_named_and_mended(filled: Path, name: str, damage) -> None:
    expected = found_on_disk(filled)
    damage(derived(filled, name))
    assert found_on_disk(filled) == expected
    encoder = BagOfWordsEncoder()
    with Library.open_for_writing(filled, encoder) as library:
        bad = [finding for finding in library.check() if not finding.ok]
        assert [finding.check for finding in bad] == [name]
        assert "missing or damaged" in bad[0].message
        assert "dateline doctor --repair" in bad[0].message
        assert all(finding.ok for finding in library.repair())
        assert encoder.encoded == [], "vectors are kept in the database"
    with Library.open(filled, BagOfWordsEncoder()) as library:
        assert all(finding.ok for finding in library.check())
    assert found_on_disk(filled) == expected


def test_files_of_another_generation_are_not_used(filled: Path, encoder: BagOfWordsEncoder, tmp_path: Path) -> None:
    shutil.copytree(filled, tmp_path / "old")
    with Library.open_for_writing(filled, encoder) as library:
        put(library, article_of("/news/new.txt", "The veto was lifted."))
    expected = found_on_disk(filled)
    shutil.copy(derived(tmp_path / "old", VECTORS_NAME), derived(filled, VECTORS_NAME))
    for name in (KEYWORDS_NAME, ARTICLE_KEYWORDS_NAME):
        present = derived(filled, name)
        shutil.rmtree(present)
        shutil.copytree(derived(tmp_path / "old", name), present)
    assert found_on_disk(filled) == expected
    with Library.open(filled, encoder) as library:
        bad = [finding.check for finding in library.check() if not finding.ok]
        assert bad == [KEYWORDS_NAME, ARTICLE_KEYWORDS_NAME], "the vector file is older than the articles and right"


def forget_article_keywords(library: Path) -> None:
    """Makes a library one that was written before there was the keyword index over whole articles."""
    shutil.rmtree(derived(library, ARTICLE_KEYWORDS_NAME))
    connection = sqlite3.connect(library / DATABASE_NAME)
    connection.execute("DELETE FROM derived WHERE name = ?", (ARTICLE_KEYWORDS_NAME,))
    connection.commit()
    connection.close()


def test_a_library_without_the_article_index_is_searched_and_named(filled: Path, encoder: BagOfWordsEncoder) -> None:
    expected = found_on_disk(filled)
    forget_article_keywords(filled)
    with Library.open(filled, encoder) as library:
        assert all_found(library) == expected
        (bad,) = [finding for finding in library.check() if not finding.ok]
        assert bad.check == ARTICLE_KEYWORDS_NAME
        assert "not written yet" in bad.message
        assert "dateline doctor --repair" in bad.message
    assert not list(filled.glob(f"{ARTICLE_KEYWORDS_NAME}*")), "who reads writes nothing"
    with Library.open_for_writing(filled, encoder) as library:
        assert all(finding.ok for finding in library.repair())
    assert found_on_disk(filled) == expected


@pytest.mark.parametrize("texts", [{}, {"/news/late.txt": "The ambassador resigned."}])
def test_the_next_indexing_writes_the_article_index(
    filled: Path, encoder: BagOfWordsEncoder, texts: dict[str, str]
) -> None:
    """Also if it finds nothing that is new."""
    forget_article_keywords(filled)
    with Library.open_for_writing(filled, encoder) as library:
        if texts:
            put(library, *(article_of(*text) for text in texts.items()))
    with Library.open(filled, encoder) as library:
        assert all(finding.ok for finding in library.check())
        assert len(library.keyword_articles("the ambassador", 10, ALL)) == 3 + len(texts)


def test_a_keyword_index_of_another_version_is_built_again(
    filled: Path, encoder: BagOfWordsEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = found_on_disk(filled)
    builder = SchemaBuilder()
    builder.add_unsigned_field("row", fast=True)
    builder.add_unsigned_field("article_row", indexed=True, fast=True)
    for name in ("title", "text"):
        builder.add_text_field(name, tokenizer_name=ANALYZER, index_option="position")
    schema = builder.build()
    with monkeypatch.context() as patch, Library.open_for_writing(filled, encoder) as library:
        patch.setattr("index.keywords._schema", lambda: schema)
        library._files.rebuild()
    assert found_on_disk(filled) == expected
    with Library.open_for_writing(filled, encoder) as library:
        bad = [finding for finding in library.check() if not finding.ok]
        assert [finding.check for finding in bad] == [KEYWORDS_NAME, ARTICLE_KEYWORDS_NAME]
        assert all("of another version of Dateline" in finding.message for finding in bad)
        put(library, article_of("/news/late.txt", "The ambassador resigned."))
    with Library.open(filled, encoder) as library:
        assert all(finding.ok for finding in library.check())
        assert origins_of(library.keyword("resigned talks", 5, ALL), library) == ["/news/late.txt", "/news/talks.txt"]
        assert len(library.keyword_articles("resigned talks", 5, ALL)) == 2


def test_only_changed_articles_are_put_in_the_keyword_indexes(
    filled: Path, encoder: BagOfWordsEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[list[str]] = []
    change = KeywordIndex.change

    def note(self: KeywordIndex, remove, add) -> int:
        documents = list(add)
        taken.append([document.text for document in documents])
        return change(self, remove, documents)

    monkeypatch.setattr(KeywordIndex, "change", note)
    monkeypatch.setattr("index.search_files.GONE_SHARE", 1.0)  # one of four is much
    with Library.open_for_writing(filled, encoder) as library:
        put(library, article_of("/news/veto.txt", "Russia abstained."), article_of("/late.txt", "Nobody came."))
    assert taken == [["Russia abstained.", "Nobody came."]] * 2
    with Library.open(filled, encoder) as library:
        (identifier, _), *others = library.keyword_articles("vetoed abstained", 10, ALL)
        assert (library.article(identifier).origin, others) == ("/news/veto.txt", [])


def test_a_repair_of_what_is_well_writes_nothing(filled: Path, encoder: BagOfWordsEncoder) -> None:
    before = {file: file.stat().st_mtime_ns for file in filled.rglob("*.*") if "lock" not in file.name}
    with Library.open_for_writing(filled, encoder) as library:
        assert all(finding.ok for finding in library.repair())
    assert {file: file.stat().st_mtime_ns for file in filled.rglob("*.*") if "lock" not in file.name} == before


def test_a_new_library_is_well(path: Path, encoder: BagOfWordsEncoder) -> None:
    with Library.open_for_writing(path, encoder) as library:
        assert all(finding.ok for finding in library.check())


CRASH = """
import os, sys
from pathlib import Path
sys.path[:0] = {search_path!r}
from fakes import BagOfWordsEncoder
from index.library import Library
from index.types import Article, Metadata
library = Library.open_for_writing(Path({path!r}), BagOfWordsEncoder())
library.put([(Article.from_text("The ambassador resigned.", Metadata(), "/news/late.txt"), "digest")])
print("added", flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_killed_process_loses_nothing_that_was_added(filled: Path, encoder: BagOfWordsEncoder) -> None:
    code = CRASH.format(search_path=[entry for entry in sys.path if entry], path=str(filled))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-9, "added\n", "")
    with Library.open(filled, encoder) as library:
        assert library.generation == 2
        assert origins_of(library.keyword("resigned", 5, ALL), library) == ["/news/late.txt"]
        assert origins_of(library.dense("The ambassador resigned", 1, ALL), library) == ["/news/late.txt"]
        stale = [finding for finding in library.check() if not finding.ok]
        assert stale == [], "what one commit adds is searchable at once for others too"
    with Library.open_for_writing(filled, encoder) as library:
        put(library, article_of("/news/next.txt", "A successor was named."))
    with Library.open(filled, encoder) as library:
        assert all(finding.ok for finding in library.check())
        assert origins_of(library.keyword("resigned", 5, ALL), library) == ["/news/late.txt"]
        assert origins_of(library.keyword("successor", 5, ALL), library) == ["/news/next.txt"]


def test_a_crash_between_the_derived_files_and_their_stamps(
    filled: Path, encoder: BagOfWordsEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    library = Library.open_for_writing(filled, encoder)
    with monkeypatch.context() as patch:
        patch.setattr("index.store.Store.set_stamp", crash)
        with pytest.raises(KeyboardInterrupt):
            put(library, article_of("/news/late.txt", "The ambassador resigned."))
        with pytest.raises(KeyboardInterrupt):
            library.close()
    with Library.open(filled, encoder) as library:
        assert origins_of(library.keyword("resigned", 5, ALL), library) == ["/news/late.txt"]
        assert len(library.dense("resigned", 9, ALL)) == 4
    with Library.open_for_writing(filled, encoder) as library:
        assert all(finding.ok for finding in library.repair())


# Readers and writers


def test_a_reader_sees_the_old_or_the_new_collection(filled: Path, encoder: BagOfWordsEncoder) -> None:
    with Library.open(filled, encoder) as reader, Library.open_for_writing(filled, encoder) as writer:
        old = all_hits(reader)
        put(writer, article_of("/news/late.txt", "The ambassador resigned over the talks."))
        writer.remove([article_of("/news/veto.txt").article_id])
        new = all_hits(writer)
        assert all_hits(reader) == new != old
        assert reader.generation == writer.generation == 3
        writer.write_derived()
        assert all_hits(reader) == new or [[h.passage for h in hits] for hits in all_hits(reader)] == [
            [h.passage for h in hits] for hits in new
        ]


def test_a_search_during_which_a_writer_commits_is_of_one_state(
    filled: Path, encoder: BagOfWordsEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer commits, and replaces the files, between the reader's search of the index and its look at the rows."""
    search = VectorIndex.search
    writer = Library.open_for_writing(filled, encoder)
    committed: list[int] = []

    def search_and_commit(self: VectorIndex, *arguments):
        found = search(self, *arguments)
        if not committed:
            committed.append(1)
            writer.remove([summary.article_id for summary in writer.articles()])
            writer.write_derived()
        return found

    with Library.open(filled, encoder) as reader:
        monkeypatch.setattr(VectorIndex, "search", search_and_commit)
        assert len(reader.dense("the talks", 10, ALL)) == 3
        assert reader.dense("the talks", 10, ALL) == reader.keyword("the talks", 10, ALL) == []
    writer.close()


def test_a_second_writer_is_refused(filled: Path, encoder: BagOfWordsEncoder) -> None:
    code = CRASH.format(search_path=[entry for entry in sys.path if entry], path=str(filled))
    with Library.open_for_writing(filled, encoder):
        with pytest.raises(LibraryBusyError, match="Another process is changing") as raised:
            Library.open_for_writing(filled, encoder)
        assert str(filled) in str(raised.value)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert "LibraryBusyError" in done.stderr
        with Library.open(filled, encoder) as reader:
            assert reader.count_articles() == 3
    with Library.open_for_writing(filled, encoder) as again:
        assert again.count_articles() == 3


def test_a_writer_that_could_not_open_lets_go_of_the_lock(filled: Path) -> None:
    with pytest.raises(EncoderMismatchError):
        Library.open_for_writing(filled, BagOfWordsEncoder("other"))
    with Library.open_for_writing(filled, BagOfWordsEncoder()) as library:
        assert library.count_articles() == 3


# What is refused


@pytest.mark.parametrize("opening", [Library.open, Library.open_for_writing])
@pytest.mark.parametrize("other", [BagOfWordsEncoder("other"), BagOfWordsEncoder(dimension=128)])
def test_another_encoder_is_refused_by_name(filled: Path, other: BagOfWordsEncoder, opening) -> None:
    with pytest.raises(EncoderMismatchError) as raised:
        opening(filled, other)
    message = str(raised.value)
    assert f"'bag-of-words' (weights {BagOfWordsEncoder().digest[:12]})" in message
    assert f"{other.name!r} (weights {other.digest[:12]})" in message
    assert f"dateline index PATH --encoder {other.name} --library NEW_FOLDER" in message


def test_the_encoder_of_the_library_is_loaded_when_it_is_needed(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(name: str) -> BagOfWordsEncoder:
        loaded.append(name)
        return BagOfWordsEncoder()

    monkeypatch.setattr("index.library.load_encoder", load)
    with Library.open(filled) as library:
        library.keyword("talks", 5, ALL)
        assert (library.count_articles(), loaded) == (3, [])
        assert len(library.dense("talks", 5, ALL)) == 3
        library.dense("again", 5, ALL)
    assert loaded == ["bag-of-words"]
    monkeypatch.setattr("index.library.load_encoder", lambda name: BagOfWordsEncoder(dimension=128))
    with Library.open(filled) as library, pytest.raises(EncoderMismatchError):
        library.dense("talks", 5, ALL)


def test_no_library_is_named_with_the_command_that_makes_one(path: Path) -> None:
    with pytest.raises(LibraryNotFoundError, match="dateline index PATH --library") as raised:
        Library.open(path)
    assert str(path) in str(raised.value)
    assert not path.exists()


@pytest.mark.parametrize("opening", [Library.open, Library.open_for_writing])
def test_a_file_that_is_no_library_is_refused(path: Path, opening) -> None:
    path.mkdir()
    (path / DATABASE_NAME).write_text("Notes of a meeting.\n" * 50)
    with pytest.raises(LibraryFormatError, match="not the database of a library"):
        opening(path, BagOfWordsEncoder())
    assert (path / DATABASE_NAME).read_text().startswith("Notes")


def test_a_path_that_is_a_file_cannot_be_written(tmp_path: Path, encoder: BagOfWordsEncoder) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(LibraryWriteError, match="cannot be written"):
        Library.open_for_writing(tmp_path / "file", encoder)
    with pytest.raises(LibraryWriteError, match="cannot be written"):
        Library.open_for_writing(tmp_path / "file" / "library", encoder)


def test_a_full_disk_leaves_what_was_there(filled: Path, encoder: BagOfWordsEncoder) -> None:
    expected = found_on_disk(filled)
    with Library.open_for_writing(filled, encoder) as library:
        connection = library._store._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(LibraryWriteError, match="full"):
            put(library, article_of("/news/long.txt", "A very long report. " * 5_000))
        assert all_found(library) == expected
        assert (library.count_articles(), library.generation) == (3, 1)
    assert found_on_disk(filled) == expected
    with Library.open(filled, encoder) as library:
        assert all(finding.ok for finding in library.check())


def test_derived_files_that_cannot_be_written_lose_no_article(
    filled: Path, encoder: BagOfWordsEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    library = Library.open_for_writing(filled, encoder)
    with monkeypatch.context() as patch:
        patch.setattr("index.witness.os.fsync", full)
        with pytest.raises(LibraryWriteError, match="No space left") as raised:
            put(library, article_of("/news/late.txt", "The ambassador resigned."))
    library.close()
    assert "dateline doctor --repair" in str(raised.value)
    with Library.open_for_writing(filled, encoder) as library:
        assert origins_of(library.keyword("resigned", 5, ALL), library) == ["/news/late.txt"]
        assert all(finding.ok for finding in library.repair())


def test_a_damaged_database_is_named_by_the_check(
    filled: Path, encoder: BagOfWordsEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = sqlite3.connect(filled / DATABASE_NAME)
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    pages = [page for (page,) in connection.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'articles'")]
    connection.close()
    content = bytearray((filled / DATABASE_NAME).read_bytes())
    for page in pages:
        content[(page - 1) * size : page * size] = b"\xff" * size
    (filled / DATABASE_NAME).write_bytes(content)
    with pytest.raises(LibraryFormatError, match="damaged"):
        Library.open(filled, encoder)
    monkeypatch.setattr("index.library.CHECKED_AT_OPENING_BYTES", 0)
    with Library.open(filled, encoder) as library:
        database, *_ = library.check()
        assert (database.check, database.ok) == ("database", False)
        assert "malformed" in database.message or "Tree" in database.message or "page" in database.message
        with pytest.raises(LibraryFormatError, match="damaged"):
            library.keyword("the", 5, ALL)
        with pytest.raises(LibraryFormatError, match="damaged"):
            library.articles()


def test_a_note_that_is_missing_is_written_by_the_next_writer(filled: Path, encoder: BagOfWordsEncoder) -> None:
    written = (filled / WITNESS_NAME).read_bytes()
    for damage in (Path.unlink, lambda note: note.write_text("{}")):
        damage(filled / WITNESS_NAME)
        with Library.open(filled, encoder) as library:
            assert [finding.check for finding in library.check() if not finding.ok] == [WITNESS_NAME]
        with Library.open_for_writing(filled, encoder):
            pass
        assert (filled / WITNESS_NAME).read_bytes() == written
        with Library.open(filled, encoder) as library:
            assert all(finding.ok for finding in library.check())


def test_questions_and_tokens_are_remembered_within_bounds(
    filled: Path, encoder: BagOfWordsEncoder, monkeypatch
) -> None:
    monkeypatch.setattr("index.token_reader.QUESTION_CACHE_SIZE", 2)
    monkeypatch.setattr("index.token_reader.TOKEN_CACHE_SIZE", 1)
    with Library.open(filled, encoder) as library:
        passages = [found.passage for found in library.keyword("the harbour ships", 5, ALL)][:2]
        assert len(passages) == 2
        encoder.encoded.clear()
        library.prepare("a")
        library.dense("a", 1, ALL)
        library.match("a", passages, [[], []])
        inputs = [encoder_input(passage) for passage in passages]
        assert encoder.encoded == ["a", *inputs]
        # The last passage is remembered, the first one is not.
        library.match("a", passages[1:], [[]])
        assert encoder.encoded == ["a", *inputs]
        library.match("a", passages[:1], [[]])
        assert encoder.encoded[3:] == inputs[:1]
        for question in ("b", "c", "a"):
            library.prepare(question)
        assert encoder.encoded[4:] == ["b", "c", "a"]
