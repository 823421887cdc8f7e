"""Articles, titles and identifiers as they are stored."""

import dataclasses
import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.types import (
    ARTICLE_ID_LENGTH,
    Article,
    Metadata,
    SearchFilter,
    Span,
    first_words,
    normalise_text,
    sha256_hex,
)


@pytest.mark.parametrize(
    ("read", "stored"),
    [
        ("\ufeffText", "Text"),
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("a\r\r\nb", "a\n\nb"),
        ("cafe\u0301", "caf\u00e9"),
        ("", ""),
        ("a\ufeffb", "a\ufeffb"),
    ],
)
def test_text_is_stored_in_one_form(read: str, stored: str) -> None:
    assert normalise_text(read) == stored


@given(st.text().filter(lambda text: not text.startswith("\ufeff\ufeff")))
def test_the_stored_form_is_final(text: str) -> None:
    stored = normalise_text(text)
    assert normalise_text(stored) == stored
    assert "\r" not in stored
    assert unicodedata.is_normalized("NFC", stored)


def test_an_article_is_named_by_its_text() -> None:
    article = Article.from_text("Ships left. ", Metadata(), "/a.txt")
    digest = hashlib.sha256(b"Ships left. ").hexdigest()
    assert (article.sha256, article.article_id) == (digest, digest[:16])
    assert len(article.article_id) == ARTICLE_ID_LENGTH
    elsewhere = Article.from_text("Ships left. ", Metadata(title="Other", published="2017"), "https://news.example/a")
    assert elsewhere.article_id == article.article_id
    assert Article.from_text("Ships left.", Metadata(), "/a.txt").article_id != article.article_id


def test_the_digest_is_the_published_one() -> None:
    # The example of FIPS 180-2, appendix B.1.
    assert sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_metadata_goes_into_the_article() -> None:
    known = Metadata("Title", "TASS", "MOSCOW", "A. Writer", "--12-25", "https://news.example/1")
    article = Article.from_text("Text", known, "/a.txt")
    assert {field: getattr(article, field) for field in dataclasses.asdict(known)} == dataclasses.asdict(known)
    assert (article.origins, article.origin) == (("/a.txt",), "/a.txt")


def test_a_missing_title_is_the_beginning_of_the_text() -> None:
    assert Article.from_text("Ships\n left  port.", Metadata(title=""), "/a").title == "Ships left port."
    assert Article.from_text("Text", Metadata(title="Given"), "/a").title == "Given"


@pytest.mark.parametrize(
    ("text", "limit", "words"),
    [
        ("one two", 80, "one two"),
        ("one two", 7, "one two"),
        ("one two three", 9, "one two…"),
        ("one, two three", 6, "one…"),
        ("x" * 100, 10, "x" * 9 + "…"),
        ("   \n ", 10, ""),
    ],
)
def test_first_words_are_cut_between_words(text: str, limit: int, words: str) -> None:
    assert first_words(text, limit) == words


@given(st.text(), st.integers(2, 100))
def test_first_words_are_one_line_within_the_limit(text: str, limit: int) -> None:
    words = first_words(text, limit)
    assert len(words) <= limit
    assert len(words.splitlines()) <= 1


def test_types_cannot_be_changed() -> None:
    for value, field in (
        (Span(0, 1), "start"),
        (Article.from_text("Text", Metadata(), "/a"), "text"),
        (SearchFilter(), "sources"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, None)
        assert not hasattr(value, "__dict__")


def test_a_filter_without_limits_is_empty() -> None:
    assert SearchFilter().is_empty
    assert not SearchFilter(sources=frozenset(["TASS"])).is_empty
