"""Which names of a text are people, as far as the way they are written shows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.people import gender_in, people_in, people_told_of, subject_of


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("What did Lavrov tell RIA in Moscow about the Korean Peninsula?", ("Lavrov",)),
        ("South Korea President Moon Jae-in spoke in Berlin.", ("Moon Jae-in",)),
        (
            "Foreign Ministry spokeswoman Hua Chunying met U.S. President Donald Trump.",
            ("Hua Chunying", "Donald Trump"),
        ),
        ("The Security Council and NATO met on Monday, TASS said.", ()),
        ("Sanctions were lifted in March.", ()),
        ("Lavrov was cited as saying so.", ("Lavrov",)),
        ("Trump left. Then Trump came back.", ("Trump",)),
        ("What did North Korea's Kim Jong Un want?", ("Kim Jong Un",)),
        ("George Washington crossed the Delaware River.", ("George Washington",)),
        # What stands only where a place does is none, but what somebody owns, or says elsewhere, makes them a person.
        ("Who is the head of the port authority in Tarrow?", ()),
        ("Did the mayor of Tarrow resign?", ()),
        ("Was there a fire at Brandt Hall, near New Carthage?", ()),
        ("What was said in Haley's speech?", ("Haley",)),
        ("Trust in Haley fell, Haley said.", ("Haley",)),
        ("Trump's tweets of July", ("Trump",)),
        ("Yesterday's vote", ()),
        ("One UN draft failed.", ()),
        ("", ()),
    ],
)
def test_people_in_a_text(text: str, people: tuple[str, ...]):
    assert people_in(text) == people


def test_of_the_words_of_an_article_single_names_must_speak():
    text = 'Trump tweeted "The World wants Peace", and Haley said that Kim Jong Un had left.'
    assert people_told_of(text) == ("Trump", "Haley", "Kim Jong Un")
    assert "Peace" in people_in(text)


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("What did Haley tell Lavrov?", "Haley"),
        ("Who told Lavrov that Haley said so?", "Haley"),
        ("What did South Korea's president Moon Jae-in want from Trump?", "Moon Jae-in"),
        ("What did China's foreign ministry say after Trump's tweet?", None),
        ("What happened to Trump?", None),
    ],
)
def test_the_subject_of_a_question(question: str, subject: str | None):
    assert subject_of(question) == subject


@pytest.mark.parametrize(
    ("texts", "gender"),
    [
        (["Nikki Haley: She also said so."], "female"),
        (["Spokesman Haley was glad."], "male"),
        (["Haley said so. He was glad."], None),
        (["Haley told Lavrov that he was wrong."], None),
        (["Haley said he was wrong.", "Haley said she was right."], None),
        (["The theory of Haley is herewith proven."], None),
    ],
)
def test_the_gender_that_sentences_about_somebody_show(texts: list[str], gender: str | None):
    assert gender_in("Haley", texts) == gender


@given(st.text())
def test_any_text_has_people(text: str):
    people = people_in(text)
    assert len(set(people)) == len(people)
    assert set(people_told_of(text)) <= set(people)
    assert subject_of(text) in (None, *people)
