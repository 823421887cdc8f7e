"""What a question asks for, by its own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.analysis import STOP_WORDS, analyse_question, find_names


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When was the resolution adopted?", "date"),
        ("On what date did the test take place?", "date"),
        ("Which year saw the most launches?", "date"),
        ("How many missiles were launched?", "number"),
        ("How much did trade grow?", "number"),
        ("What percentage of petroleum exports is banned?", "number"),
        ("Why did Russia veto the draft?", "reason"),
        ("What prompted the emergency meeting?", "reason"),
        ("Who ordered the lockdown?", "person"),
        ("Which countries vetoed the draft?", "person"),
        ("Whose photo is shown?", "person"),
        ("Where was Moon Jae-in speaking?", "place"),
        ("In which city did they meet?", "place"),
        ("What did Haley say about trade?", "speech"),
        ("How did Zakharova describe the sanctions regime?", "speech"),
        ("What is the THAAD system?", "other"),
        ("Hwasong-14", "other"),
        # The date asked for, although the words of somebody are mentioned.
        ("When did Lavrov say that?", "date"),
    ],
)
def test_the_answer_type(question: str, expected: str):
    assert analyse_question(question).answer_type == expected


@pytest.mark.parametrize(
    ("question", "topic", "expected"),
    [
        ("Where was he speaking?", "When did Moon Jae-in react?", "place"),
        ("And China?", "How many missiles did North Korea test?", "number"),
        ("What about Japan?", "When did North Korea test missiles?", "date"),
        ("Which missile was it?", "When was the missile launched?", "other"),
    ],
)
def test_the_topic_decides_the_answer_type_of_a_question_that_asks_nothing_itself(
    question: str, topic: str, expected: str
):
    assert analyse_question(question, topic).answer_type == expected


def test_a_topic_adds_terms_and_dates_but_no_names():
    profile = analyse_question("And Japan in March?", "What did Lavrov say about Japan in 2017?")
    assert profile.names == ("Japan",)
    assert "lavrov" in profile.topic_terms
    assert not set(profile.topic_terms) & set(profile.terms)
    assert (profile.months, profile.years) == ({3}, {"2017"})
    assert profile.full_text == "And Japan in March? (What did Lavrov say about Japan in 2017?)"
    assert analyse_question("And Japan?").full_text == "And Japan?"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("What did Nikki Haley say?", ("Nikki Haley",)),
        ("Was Lavrov in Moscow?", ("Lavrov", "Moscow")),
        ("Is Russia ready?", ("Russia",)),
        ("Does China's ambassador agree?", ("China",)),
        ("Lavrov said what?", ("Lavrov",)),
        ("Who's Vladimir Safronkov?", ("Vladimir Safronkov",)),
        ("The Security Council met. When did Japan join?", ("Security Council", "Japan")),
        ("What did the Secretary of State tell Kim Jong Un?", ("Secretary of State", "Kim Jong Un")),
        ("Why did U.S. President Donald Trump tweet?", ("U.S. President Donald Trump",)),
        ("US sanctions on whom?", ("US",)),
        ("What did North Korea's Kim Jong Un say?", ("North Korea", "Kim Jong Un")),
        ("What did O’Brien’s lawyer want?", ("O’Brien",)),
        ("What should I know about China?", ("China",)),
        ("What happened on Monday, 3 June 2017?", ()),
        ("what did lavrov say?", ()),
        ("", ()),
    ],
)
def test_names_are_found_as_they_are_written(text: str, names: tuple[str, ...]):
    assert find_names(text) == names
    assert analyse_question(text).names == names


def test_terms_are_content_terms_each_once():
    assert analyse_question("What did the U.S. say about US sanctions and the sanctions of Washington?").terms == (
        "=united-states",
        "sanction",
    )


@pytest.mark.parametrize(
    ("question", "counted"),
    [
        ("How many missiles did North Korea test?", ("missil",)),
        ("How many North Koreans are abroad?", ("=north-korea",)),
        ("How many did they test?", ()),
        ("How much crude oil is exported?", ("crude", "oil")),
        ("When did North Korea test missiles?", ()),
    ],
)
def test_what_how_many_counts(question: str, counted: tuple[str, ...]):
    assert analyse_question(question).counted == counted


def test_months_years_and_numbers():
    profile = analyse_question(
        "What changed between January 2017 and 3 May 2022 in resolution 2356 and on 1,500 ships?"
    )
    assert profile.months == {1, 5}
    assert profile.years == {"2017", "2022"}
    assert profile.numbers == ("2017", "3", "2022", "2356", "1,500")


@pytest.mark.parametrize("question", ["May I ask what Russia wants?", "Who may march with whom?", "In resolution 2356"])
def test_words_that_only_look_like_dates(question: str):
    profile = analyse_question(question)
    assert profile.months == frozenset()
    assert profile.years == frozenset()


@pytest.mark.parametrize(
    ("question", "asks_speech", "asks_change"),
    [
        ("What did Russia say about THAAD?", True, False),
        ("How has Russia's position changed since 2017?", True, True),
        ("How did Haley's tone evolve over time?", False, True),
        ("Compare the position of China with that of Japan.", True, True),
        ("How many ships are there?", False, False),
    ],
)
def test_whether_words_or_a_development_are_asked_for(question: str, asks_speech: bool, asks_change: bool):
    profile = analyse_question(question)
    assert (profile.asks_speech, profile.asks_change) == (asks_speech, asks_change)


WORDS = st.sampled_from(
    "When how many much Who why what U.S. Kim's (And . ? ! : of - ' ’ May 2017 1, changed both".split()
)


@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join)))
def test_any_text_has_a_profile(text: str):
    profile = analyse_question(text)
    assert profile.text == text
    assert len(set(profile.terms)) == len(profile.terms)
    assert not set(profile.terms) & STOP_WORDS
    assert all(set(name.split()) and name.strip() == name for name in profile.names)
    assert all(1 <= month <= 12 for month in profile.months)
    assert all(number in text for number in (*profile.numbers, *profile.years))
