"""Passages: slices of the article, none longer than the encoder reads, nothing lost, always further on."""

from itertools import pairwise
from pathlib import Path

import pytest
from fakes import BagOfWordsEncoder
from hypothesis import given, settings
from hypothesis import strategies as st

from index.passages import (
    MAX_PASSAGE_CHARACTERS,
    OVERLAP_SENTENCES,
    CountTokens,
    encoder_input,
    split_article,
)
from index.sentences import split_sentences
from index.types import Article, Metadata, Passage

SEEDS = sorted((Path(__file__).resolve().parent.parent / "seeds").glob("*.txt"))


def count_words(texts) -> list[int]:
    return BagOfWordsEncoder().count_tokens(texts)


def count_thirds(texts) -> list[int]:
    """Three characters a token, rounded up: neither additive over words nor over sentences."""
    return [-(-len(text) // 3) for text in texts]


def count_letters_twice(texts) -> list[int]:
    """Two tokens a letter and one for the text as a whole: parts count more than the whole."""
    return [2 * len(text) + 1 for text in texts]


TOKENIZERS = [count_words, count_thirds, count_letters_twice]

PIECES = [
    "The ship left. ",
    "It was late! ",
    "no stop here ",
    "x" * 90 + " ",
    "## Harbour\n",
    "# Title\n",
    "\n\n",
    "\n",
    "Word. " * 5,
    "   ",
    "\u00a0",
    "word " * 60,
    "é" * 700,
    " " * 30,
    "He said so. ",
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=30).map("".join)


def article_of(text: str, title: str | None = None) -> Article:
    return Article.from_text(text, Metadata(title=title), "/a.txt")


def check_passages(article: Article, passages: list[Passage], count_tokens: CountTokens, max_tokens: int) -> None:
    """What holds for the passages of every article."""
    outside = list(article.text)
    for passage in passages:
        assert article.text[passage.start : passage.end] == passage.text
        assert passage.text
        assert passage.text == passage.text.strip()
        assert len(passage.text) <= MAX_PASSAGE_CHARACTERS
        assert passage.article_id == article.article_id
        assert passage.passage_id == f"{article.article_id}:{passage.start}-{passage.end}"
        assert count_tokens([encoder_input(passage)])[0] <= max_tokens
        outside[passage.start : passage.end] = " " * len(passage.text)
    assert not "".join(outside).strip()
    assert all(before.start < after.start and before.end < after.end for before, after in pairwise(passages))
    sentences = split_sentences(article.text)
    for before, after in pairwise(passages):
        repeated = [s for s in sentences if after.start <= s.start and s.end <= before.end]
        assert len(repeated) <= OVERLAP_SENTENCES


@pytest.mark.parametrize("count_tokens", TOKENIZERS)
@settings(max_examples=400)
@given(text=TEXTS, title=st.one_of(st.none(), st.text(min_size=1, max_size=80)), max_tokens=st.integers(12, 80))
def test_passages_of_any_text(count_tokens: CountTokens, text: str, title: str | None, max_tokens: int) -> None:
    article = article_of(text, title)
    check_passages(article, split_article(article, count_tokens, max_tokens), count_tokens, max_tokens)


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
@pytest.mark.parametrize("max_tokens", [40, 120])
def test_passages_of_the_sample_articles(path: Path, max_tokens: int) -> None:
    article = article_of(path.read_text("utf-8"), "A title of five words")
    passages = split_article(article, count_words, max_tokens)
    check_passages(article, passages, count_words, max_tokens)
    assert all(passage.context == "A title of five words" for passage in passages)


def test_a_sentence_that_fits_is_never_cut() -> None:
    text = "".join(f"Sentence number {number} has exactly eight words. " for number in range(20))
    passages = split_article(article_of(text), count_words, 24)
    ends = {span.end for span in split_sentences(text)}
    starts = {span.start for span in split_sentences(text)}
    assert {passage.end for passage in passages} <= ends
    assert {passage.start for passage in passages} <= starts


def test_hand_made_overlap() -> None:
    # Four tokens a sentence, 32 a passage: eight sentences. A quarter of 32 tokens may be repeated: two sentences.
    text = " ".join(f"Ship {number} left." for number in range(20))
    passages = split_article(article_of(text), count_words, 32)
    assert [passage.text.count("left") for passage in passages] == [8, 8, 8]
    assert [passage.text.split()[1] for passage in passages] == ["0", "6", "12"]


def test_overlap_is_at_most_a_quarter_of_the_passage() -> None:
    # Eleven tokens a sentence are more than a quarter of 32, so nothing is repeated.
    text = " ".join(f"Ship {number} left the harbour of the town at night." for number in range(9))
    passages = split_article(article_of(text), count_words, 33)
    assert all(before.end < after.start for before, after in pairwise(passages))


def test_a_long_sentence_is_split_and_never_truncated() -> None:
    text = " ".join(f"word{number}" for number in range(200)) + "."
    passages = split_article(article_of(text), count_words, 16)
    words = [word for passage in passages for word in passage.text.split()]
    assert list(dict.fromkeys(words)) == text.split()
    assert len(passages) > 200 // 16


def test_a_word_longer_than_the_limit_is_split() -> None:
    text = "a" * 1_000 + " end."
    passages = split_article(article_of(text), count_thirds, 30)
    check_passages(article_of(text), passages, count_thirds, 30)
    assert passages[0].text == "a" * len(passages[0].text)


def test_headings_are_in_the_context_and_not_in_the_offsets() -> None:
    text = (
        "# Shipping\nAll ships are listed here.\n\n## Northern ports\nTarrow is the largest.\n"
        "\n### Tarrow\nIt has two docks.\n\n## Southern ports\nThere is none.\n"
    )
    article = article_of(text, "Yearbook")
    passages = split_article(article, count_words, 64)
    assert [(passage.context, passage.text) for passage in passages] == [
        ("Yearbook", "# Shipping\nAll ships are listed here."),
        ("Yearbook › Shipping", "## Northern ports\nTarrow is the largest."),
        ("Yearbook › Shipping › Northern ports", "### Tarrow\nIt has two docks."),
        ("Yearbook › Shipping", "## Southern ports\nThere is none."),
    ]
    assert [article.text[passage.start : passage.end] for passage in passages] == [p.text for p in passages]


def test_a_title_made_of_the_first_words_is_no_context() -> None:
    (passage,) = split_article(article_of("Ships left. It was late."), count_words, 64)
    assert passage.context == ""
    assert encoder_input(passage) == passage.text
    (titled,) = split_article(article_of("Ships left.", "Departures"), count_words, 64)
    assert encoder_input(titled) == "Departures\nShips left."


def test_a_long_title_is_cut_and_leaves_room() -> None:
    title = "Very long title of many words " * 10
    passages = split_article(article_of("The ship left. " * 30, title), count_words, 40)
    assert len({passage.context for passage in passages}) == 1
    assert title.startswith(passages[0].context)
    assert 5 <= count_words([passages[0].context])[0] <= 10


@pytest.mark.parametrize("text", ["", " \n\t ", "\u00a0"])
def test_no_text_gives_no_passages(text: str) -> None:
    assert split_article(article_of(text, "Title"), count_words, 64) == []
