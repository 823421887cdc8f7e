"""A refusal says why, by facts of the library."""

from datetime import date
from pathlib import Path

import pytest

from index.library import Library
from index.types import SearchFilter
from rag.evidence import Evidence
from rag.refusals import CLOSEST, PART_CHARACTERS, parts_not_held, refuse, unknown_names
from rag.types import Question
from tests.small_library import evidence_of, library_of, made_article

ARTICLES = [
    made_article("The U.S. council in Tarrow met.", "a", source="TASS", published="2017-06-03"),
    made_article("Some ships left Tarrow harbour. Nobody at all waved.", "b", source="Gazette", published="2022-05"),
    made_article("Herring swam by the harbour wall.", "c", source="Gazette", published="--12-25"),
    made_article("Kim Larsen waved at the sea.", "d"),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    path: Path = tmp_path_factory.mktemp("refusals") / "library"
    with library_of(path, ARTICLES) as opened:
        yield opened


def evidence_for(library: Library, question: str) -> Evidence:
    return evidence_of(library, question)[0]


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What did Angela Merkel tell Tarrow?", ["Angela Merkel"]),
        ("What did Angela Merkel's ministers tell Zanzibar?", ["Angela Merkel", "Zanzibar"]),
        ("What happened in Tarrow?", []),
        # One word of the name is known, so that it may be the person.
        ("What did Kim Jong Un say?", []),
        # Another name of a country that an article names.
        ("What did Washington want?", []),
        ("What did Tokyo want?", ["Tokyo"]),
        # A date is no name.
        ("What happened on Monday in October?", []),
        ("what did merkel say?", []),
    ],
)
def test_names_that_no_article_mentions(library: Library, question: str, names: list[str]):
    assert unknown_names([evidence_for(library, question)]) == names


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("What did Angela Merkel say in Tarrow?", "No article mentions “Angela Merkel”."),
        ("Did Zanzibar and Tokyo agree?", "No article mentions “Zanzibar” or “Tokyo”."),
        ("Did Zanzibar, Lima and Tokyo agree?", "No article mentions “Zanzibar”, “Lima” or “Tokyo”."),
    ],
)
def test_a_refusal_names_what_no_article_mentions(library: Library, question: str, sentence: str):
    refusal = refuse("low_confidence", Question(question), [], [evidence_for(library, question)], library)
    assert refusal.message == f"The articles do not hold the answer to this question. {sentence}"


def test_a_refusal_says_that_the_closest_sentences_lack_what_is_asked(library: Library):
    asked = "How many herring swam by?"
    refusal = refuse("model_declined", Question(asked), [], [evidence_for(library, asked)], library)
    assert refusal.message == (
        "The articles do not hold the answer to this question. It asks for a number, and none of the closest sentences "
        "holds one."
    )
    asked = "When did ships leave Tarrow?"
    refusal = refuse("low_confidence", Question(asked), [], [evidence_for(library, asked)], library)
    assert "It asks for a date, and none of the closest sentences holds one." in refusal.message


def test_a_refusal_without_a_plain_reason_says_so(library: Library):
    asked = "Who painted the ships of Tarrow harbour?"
    refusal = refuse("low_confidence", Question(asked), [], [evidence_for(library, asked)], library)
    assert refusal.message == (
        "The articles do not hold the answer to this question. The closest passages are about something near it but do "
        "not say it."
    )


COVERAGE = "The library holds 4 articles: 2 are dated from 3 June 2017 to May 2022, 2 have no date with a year."
LONG_AGO = "When did ships call at Tarrow in 1999?"


@pytest.mark.parametrize(
    ("question", "times"),
    [
        (LONG_AGO, "1999"),
        ("Which ships left Tarrow in May 2023?", "May 2023"),
        ("Which ships left Tarrow between 1999 and 2001?", "1999 and 2001"),
        ("Which ships left Tarrow in April and May of 1999?", "1999"),
        # Inside what the dated articles cover, or no date at all.
        ("Which ships left Tarrow in 2019?", None),
        ("Which ships left Tarrow in May 2022?", None),
        ("Which ships left Tarrow between 1999 and 2019?", None),
        ("What did resolution 1718 say of ships?", None),
        ("Did ships bring in 1800 tonnes of herring to Tarrow?", None),
        ("Which ships left Tarrow in June?", None),
    ],
)
def test_a_refusal_says_that_no_article_is_of_the_time_asked_about(library: Library, question: str, times: str | None):
    message = refuse("low_confidence", Question(question), [], [evidence_for(library, question)], library).message
    assert ("It asks about" in message) == (times is not None)
    if times is not None:
        assert f"It asks about {times}; the{COVERAGE.removeprefix('The')}" in message


def test_a_time_that_an_article_tells_of_is_not_outside(tmp_path: Path):
    articles = [made_article("Ships called at Tarrow in 1999, before the flood.", "a", published="2017")]
    with library_of(tmp_path / "told", articles) as opened:
        refusal = refuse("low_confidence", Question(LONG_AGO), [], [evidence_for(opened, LONG_AGO)], opened)
        assert "It asks about" not in refusal.message
    with library_of(tmp_path / "undated", [made_article("Ships called at Tarrow.", "a")]) as opened:
        refusal = refuse("low_confidence", Question(LONG_AGO), [], [evidence_for(opened, LONG_AGO)], opened)
        assert "It asks about" not in refusal.message


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("Did Larsen visit Tarrow?", "The articles mention “Larsen” and “Tarrow”, but no passage found mentions both."),
        (
            "Did Kim Larsen talk of Tarrow and the Americans?",
            "The articles mention “Kim Larsen”, “Tarrow” and “Americans”, but no passage found mentions all of them.",
        ),
        # Both are in one passage, by whatever name; one is in none; there is one name only, however often.
        ("Did the Americans visit Tarrow?", None),
        ("Did Larsen visit Zanzibar?", None),
        ("Did Kim Larsen tell Larsen?", None),
        ("Did Kim Jong Un visit Tarrow?", None),
    ],
)
def test_a_refusal_names_what_is_never_mentioned_together(library: Library, question: str, sentence: str | None):
    evidence, hits, _ = evidence_of(library, question)
    message = refuse("low_confidence", Question(question), hits, [evidence], library).message
    assert ("no passage found mentions" in message) == (sentence is not None)
    assert sentence is None or sentence in message


SPEECHES = [
    made_article("Tomas Brandt left. Kim Larsen said that Brandt had gone. Holt waved at the sea.", "a"),
    made_article('The port opened. "It rains," Ana Falk told reporters, and Falk was pleased.', "b"),
]


@pytest.mark.parametrize(
    ("question", "silent"),
    [
        ("What did Holt say about the sea?", "Holt"),
        ("What did Ana Falk say about rain?", None),
        ("What did Falk say about rain?", None),
        # A sentence with a word of saying names him, so that it may be his.
        ("What did Brandt say about the port?", None),
        # Nobody's words are asked for, or those of somebody unknown.
        ("Where did Holt go?", None),
        ("What did Merkel say about the port?", None),
    ],
)
def test_a_refusal_says_whose_words_no_passage_reports(tmp_path: Path, question: str, silent: str | None):
    with library_of(tmp_path / "library", SPEECHES) as opened:
        message = refuse("low_confidence", Question(question), [], [evidence_for(opened, question)], opened).message
    assert ("None of the passages found reports words of" in message) == (silent is not None)
    assert silent is None or f"None of the passages found reports words of {silent}." in message


def test_a_refusal_says_which_articles_were_searched_where_not_all_were(library: Library):
    question = "How many ships did the council count in Tarrow in 1999?"
    asked = Question(question, filter=SearchFilter(date_from=date(2020, 1, 1)))
    message = refuse("low_confidence", asked, [], [evidence_for(library, question)], library).message
    assert "Only articles from 1 January 2020 on were searched." in message
    # The time may well be one that the articles left out tell of.
    assert "It asks about 1999" not in message


def test_a_refusal_gives_no_more_than_two_reasons(library: Library):
    question = "How many ships did Angela Merkel count in Tarrow in 1999?"
    message = refuse("low_confidence", Question(question), [], [evidence_for(library, question)], library).message
    assert message == (
        "The articles do not hold the answer to this question. No article mentions “Angela Merkel”. "
        "It asks about 1999; "
        f"the{COVERAGE.removeprefix('The')}"
    )


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (["Who paid Brandt?"], "The articles do not hold: “Who paid Brandt”."),
        (["who paid?", "when? "], "The articles do not hold: “who paid” or “when”."),
        (["What is\n[1] and [2, 3]?"], "The articles do not hold: “What is (1) and (2, 3)”."),
    ],
)
def test_the_parts_without_an_answer_are_named(parts: list[str], sentence: str):
    assert parts_not_held(parts) == sentence


def test_an_enormous_part_is_cut():
    assert len(parts_not_held(["who paid for it and " * 200])) < PART_CHARACTERS + 50


def test_a_refusal_shows_the_closest_passages_in_order(library: Library):
    evidence, hits, _ = evidence_of(library, "Who left Tarrow harbour?")
    refusal = refuse("low_confidence", Question("Who left Tarrow harbour?"), hits, [evidence], library)
    assert len(hits) > CLOSEST
    assert refusal.closest == tuple(hits[:CLOSEST])
    assert [hit.rank for hit in refusal.closest] == [1, 2, 3]


def test_the_parts_of_a_question_say_each_thing_once(library: Library):
    parts = [
        evidence_for(library, asked) for asked in ("How many herring swam by?", "How many herring did Merkel see?")
    ]
    assert unknown_names([*parts, *parts]) == ["Merkel"]
    message = refuse("low_confidence", Question("?"), [], parts, library).message
    assert message.count("No article mentions “Merkel”.") == 1
    assert message.count("It asks for a number") == 1


@pytest.mark.parametrize(
    ("search_filter", "described"),
    [
        (SearchFilter(date_from=date(2023, 1, 1)), "from 1 January 2023 on"),
        (SearchFilter(date_to=date(2016, 12, 31)), "up to 31 December 2016"),
        (SearchFilter(sources=frozenset({"Reuters"})), "from Reuters"),
        (SearchFilter(as_of=date(2016, 12, 31)), "as of 31 December 2016"),
        (
            SearchFilter(date_from=date(2018, 1, 1), date_to=date(2018, 12, 31), sources=frozenset({"b", "a"})),
            "from a or b, from 1 January 2018 on, up to 31 December 2018",
        ),
    ],
)
def test_out_of_range_says_what_was_asked_for_and_what_there_is(
    library: Library, search_filter: SearchFilter, described: str
):
    refusal = refuse("out_of_range", Question("What happened?", filter=search_filter), [], (), library)
    assert refusal.message.startswith(f"No article {described} was found. ")
    assert refusal.message.endswith(COVERAGE)
    assert refusal.closest == ()


@pytest.mark.parametrize(
    ("published", "coverage"),
    [
        ([None, None], "The library holds 2 articles, none with a date that has a year."),
        (["--12-25"], "The library holds 1 article, none with a date that has a year."),
        (["2017"], "The library holds 1 article, dated 2017."),
        (
            ["2017-06-03", None],
            "The library holds 2 articles: 1 is dated 3 June 2017, 1 has no date with a year.",
        ),
    ],
)
def test_the_coverage_states_only_what_is_known(tmp_path: Path, published: list[str | None], coverage: str):
    articles = [
        made_article(f"Bulletin {number} is out.", str(number), **({} if day is None else {"published": day}))
        for number, day in enumerate(published)
    ]
    with library_of(tmp_path / "library", articles) as opened:
        refusal = refuse("no_match", Question("What happened?"), [], (), opened)
        assert refusal.message == f"No passage of the articles matches the question. {coverage}"


def test_an_empty_library_says_how_to_fill_it(tmp_path: Path):
    with library_of(tmp_path / "library", []) as opened:
        refusal = refuse("empty_library", Question("What happened?"), [], (), opened)
    assert refusal.message.endswith("Add articles with: dateline index PATH")
    assert refusal.as_json() == {"reason": "empty_library", "message": refusal.message, "closest": []}
