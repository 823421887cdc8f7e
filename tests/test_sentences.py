"""Sentence spans: exact offsets, no character lost, and the habits of news text."""

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.sentences import is_hard_wrapped, split_sentences

SEEDS = sorted((Path(__file__).resolve().parent.parent / "seeds").glob("*.txt"))

PIECES = '. |.|? |." |\n|\n\n| |U.S. |Dec. 25 |MOSCOW, Dec 25 (AP) - |"|”|“|…|he said. |The |# Heading\n|1. '.split("|")
NEWS = st.lists(
    st.one_of(st.sampled_from([*PIECES, "\u2028", "\u00a0", "Mr. ", "\t", "3.5 ", "a.m. "]), st.text(max_size=8)),
    max_size=40,
).map("".join)


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split_sentences(text)]


@settings(max_examples=400)
@given(NEWS)
def test_every_character_is_in_one_sentence_or_white_space(text: str) -> None:
    spans = split_sentences(text)
    outside = list(text)
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        sentence = text[span.start : span.end]
        assert sentence == sentence.strip()
        outside[span.start : span.end] = " " * (span.end - span.start)
    assert all(before.end <= after.start for before, after in pairwise(spans))
    assert not "".join(outside).strip()


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_the_sample_articles_have_sentences_of_one_line(path: Path) -> None:
    text = path.read_text("utf-8")
    found = sentences(text)
    assert len(found) >= 7
    assert all("\n" not in sentence for sentence in found)


# Each sentence stands between bars.
SPLITS = [
    "Ships left.| They were late.",
    "The U.S. Navy said so.| It left.",
    "He lives in the U.S.| The ship left.",
    "It began on Dec. 25 in port.| It ended.",
    "It began in Dec.| The end came later.",
    "Mr. Lavrov met Gen. Ivanov and Dr. No.| They spoke.",
    "Apple Inc. said no.| He left Ships Ltd.| The firm agreed.",
    "Kim J. Smith said so.| He left.",
    "It rose 3.5 percent.| It fell 0.2 percent.",
    "It opens at 9 a.m. 40 people came.",
    "He left at 9 p.m.| The door was shut.",
    '"We will go." he said.| He went.',
    '"We will go.| We must," he said.| He went.',
    '"Will you go?" Mr. Lavrov asked.| He went.',
    '"We will go."| The minister left.',
    "“We will go.”| The minister left.",
    "He stopped…| Then he went on.",
    "Really?!| Yes.",
    "It is e.g. here and i.e. there.| Done.",
    "Ships left. they were late.",
    "It was no. 5 on the list.| It sank.",
    "He said no.| Ships left.",
    "MOSCOW, Dec 25 (Agencies):| Ships left.| They were late.",
    "UN, June 3. /TASS/.| The council met.",
    "1. The first point.| 2. The second point.",
    "No mark at the end",
    "First line\n|Second line",
    "(The ship left.)| It was late.",
    "Das ist gut.| Über uns steht nichts.",
]


@pytest.mark.parametrize("marked", SPLITS)
def test_sentences_end_where_they_do(marked: str) -> None:
    expected = [part.strip() for part in marked.split("|")]
    assert sentences(marked.replace("|", "")) == expected


def test_lines_that_are_wrapped_are_joined() -> None:
    text = "The ship left the\nharbour early on\nMonday. It had been\nloaded at night.\n\nA new paragraph\nbegins here."
    assert is_hard_wrapped(text)
    assert sentences(text) == [
        "The ship left the\nharbour early on\nMonday.",
        "It had been\nloaded at night.",
        "A new paragraph\nbegins here.",
    ]


def test_paragraphs_on_lines_of_their_own_are_not_joined() -> None:
    text = "A headline without a stop\nThe ship left.\nIt was late.\nNobody saw it.\nIt was dark."
    assert not is_hard_wrapped(text)
    assert sentences(text)[:2] == ["A headline without a stop", "The ship left."]


@pytest.mark.parametrize("text", ["U.S. " * 40_000, "x" * 200_000, ". " * 100_000, '"' * 100_000, "\n" * 100_000])
def test_long_texts_without_sentences_take_little_time(text: str) -> None:
    # Seconds; quadratic work would take minutes.
    began = time.perf_counter()
    split_sentences(text)
    assert time.perf_counter() - began < 5


def test_markdown_headings_end_at_their_line() -> None:
    text = "# Ships\nThey are old.\n## Docks\nThere are\nonly two\nof them\nleft\nover.\n### Cranes\nThere is none."
    expected = [
        "# Ships",
        "They are old.",
        "## Docks",
        "There are\nonly two\nof them\nleft\nover.",
        "### Cranes",
        "There is none.",
    ]
    assert sentences(text) == expected
    assert sentences("# Ships\nOne.\n\n## Docks\nTwo.\n\n## Cranes\nThree.\n\n## Sheds\nFour.")[::2] == [
        "# Ships",
        "## Docks",
        "## Cranes",
        "## Sheds",
    ]
