"""Whose words a sentence reports. Attributing words to the wrong person is worse than to nobody."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.sentences import split_sentences
from rag.attributions import _ATTRIBUTIONS, _HAS_VERB, _OF_PLACE
from rag.speakers import Speaker, find_speakers, quotation_states

SEEDS = sorted((Path(__file__).resolve().parent.parent / "seeds").glob("*.txt"))


def speakers(text: str) -> list[str | None]:
    return [speaker and speaker.name for speaker in find_speakers(text, split_sentences(text))]


# Words and the one speaker of their only sentence.
ATTRIBUTED = {
    "Ann Lee said the dam was safe.": "Ann Lee",
    '"The dam is safe," said Ann Lee.': "Ann Lee",
    "“The dam is safe,” Ann Lee told reporters.": "Ann Lee",
    "The dam is safe, Ann Lee said on Friday.": "Ann Lee",
    "Foreign Minister Sergey Lavrov has urged restraint.": "Foreign Minister Sergey Lavrov",
    "Lavrov was cited as saying that he was ready.": "Lavrov",
    "Liu Jieyi, who spoke after the vote, said it may be settled.": "Liu Jieyi",
    "China’s envoy, Liu Jieyi, said after the vote that it may be settled.": "Liu Jieyi",
    "China's envoy, Liu Jieyi, also condemned the launch.": "Liu Jieyi",
    "However, Mohammed bin Salman said the price was right.": "Mohammed bin Salman",
    "On Tuesday Lavrov said no.": "Lavrov",
    "In Washington Lavrov said no.": "Lavrov",
    "Putin, Lavrov said, had agreed.": "Lavrov",
    "Speaking after Haley, Lavrov said no.": "Lavrov",
    "Asked about the claim, Wang Yi said it was false.": "Wang Yi",
    "North Korea said it was an act of war.": "North Korea",
    "In a joint statement, Russia and China said they agreed.": "Russia and China",
    "The exercise began, with Captain Jeff Davis saying all was well.": "Captain Jeff Davis",
    '"It will cost more," said its director, Yusuf Karim.': "Yusuf Karim",
    "Daniel Marsh of the University of Tarrow, who found it, said the hatches were open.": "Daniel Marsh",
    "US Ambassador to the United Nations Nikki Haley said it was sharp.": "Nikki Haley",
    '"Lavrov said no," Wang Yi recalled.': "Wang Yi",
    "Trump criticized what Putin said about it.": "Trump",
    "Lavrov warned that Haley said too much.": "Lavrov",
    "Wang Yi's lawyer, Li Bo, said no.": "Li Bo",
}


@pytest.mark.parametrize(("text", "name"), ATTRIBUTED.items())
def test_a_name_next_to_a_verb_of_saying(text: str, name: str) -> None:
    (speaker,) = find_speakers(text, split_sentences(text))
    assert speaker == Speaker(name, 0)


NOBODY = [
    "The dam is safe.",
    "He said no.",
    "Critics of President Trump said the plan would fail.",
    "A spokesman for Lavrov said the plan would work.",
    "A letter to Merkel said the plan would work.",
    "The brother of Kim Jong Un said he would leave.",
    "A court in Beijing said the case was closed.",
    "Police in Paris reported three arrests.",
    "The plane carrying Lavrov reported a problem.",
    "The ambassadors of France and Britain, two members, said they would back it.",
    "Neither Lavrov nor Wang said anything.",
    "The ministry denied that Putin said it.",
    "The move, which the United States says is unlikely, is planned.",
    "Lavrov was told by Wang Yi that it failed.",
    "Lavrov's deputy said no.",
    '"No," said Lavrov’s deputy.',
    "Reporters asked Lavrov about it.",
    "President Joe Biden concluded his trip to Japan.",
    "Pyongyang has continued the tests.",
    "Haley called off the vote.",
    "Haley did not say who was to blame.",
    'The sign read "Lavrov said no" in red.',
    "Lavrov met Wang Yi in Moscow.",
]


@pytest.mark.parametrize("text", NOBODY)
def test_a_name_that_is_not_the_subject_does_not_speak(text: str) -> None:
    assert speakers(text) == [None]


# Each sentence, between bars, with its speaker behind it in braces; empty braces: nobody's words.
PASSAGES = {
    "he said after a named speaker": "Sergey Lavrov said no.{Sergey Lavrov}| He said it was late.{Sergey Lavrov}",
    "a title said after a named speaker": "Russian Foreign Minister Sergey Lavrov said no.{Russian Foreign Minister "
    "Sergey Lavrov}| The Russian diplomat added it was late.{Russian Foreign Minister Sergey Lavrov}",
    "the surname stands for the full name": "Ann Lee arrived.{}| Lee said no.{Ann Lee}",
    "a quotation attributed at its end": '"We go.{Ann Lee}| It is late.{Ann Lee}| We must," Ann Lee said.{Ann Lee}',
    "a quotation that goes on after its attribution": '"We go," Ann Lee said.{Ann Lee}| "It is late.{Ann Lee}| We '
    'must."{Ann Lee}',
    "a quotation of two paragraphs": "“We go.{Ann Lee}|\n\n“It is late,” said Ann Lee.{Ann Lee}",
    "two speakers in turn": '"We go," Ann Lee said.{Ann Lee}| "We stay," Tom Ray said.{Tom Ray}| "It is late," he '
    "added.{Tom Ray}",
    "a person in between": "Ann Lee said no.{Ann Lee}| Tom Ray arrived in Moscow.{}| He said yes.{}",
    "a surname in between": "Ann Lee said no to Ray.{Ann Lee}| Ray arrived in Moscow.{}| He said yes.{}",
    "a relative in between": "Ann Lee said no.{Ann Lee}| Her brother, Tom Lee, disagreed.{}| He said it leaks.{}",
    "the same person in between": "Ann Lee said no.{Ann Lee}| Then Ann Lee left.{}| She added it was late.{Ann Lee}",
    "something else in between": "Ann Lee said no.{Ann Lee}| North Korea is far away.{}| She added it was late.{}",
    "somebody without a name in between": "Ann Lee said no.{Ann Lee}| A widow wept beside her.{}| She said it leaks.{}",
    "told of somebody else": "Ann Lee said that Eve Roe had lied.{Ann Lee}| She said it was late.{}",
    "told of somebody else in apposition": "Ann Lee said the aide, Eve Roe, was ill.{Ann Lee}| She said no.{}",
    "told of a council": "Ann Lee said the Harbour Council would meet.{Ann Lee}| She said it was late.{Ann Lee}",
    "an official without a name": 'Lavrov said no.{Lavrov}| "We disagree," said a Chinese official.{}| He said why.{}',
    "a ministry": 'Lavrov said no.{Lavrov}| "We disagree," the Chinese foreign ministry said.{}',
    "a diplomat of another country": "Russian envoy Ivan Petrov said no.{Russian envoy Ivan Petrov}| The Chinese "
    "diplomat said yes.{}",
    "somebody of another office": "President Joe Biden said no.{President Joe Biden}| The minister said yes.{}",
    "a pronoun that does not fit": "Mr. Lee said no.{Lee}| She said yes.{}",
    "pronouns that contradict": "Ann Lee said no.{Ann Lee}| She added it was late.{Ann Lee}| He said it was not.{}",
    "a country is not he": "Moscow reported three cases.{Moscow}| He said more would come.{}",
    "a newspaper is not she": "The Washington Post reported a deal.{Washington Post}| She said it was late.{}",
    "several are not he": "Russia and China said no.{Russia and China}| He said it was late.{}",
    "a question is answered by somebody else": 'Ann Lee asked Tom Ray about it.{Ann Lee}| "It is late," he said.{}',
    "a reply is not the speaker's own": 'Lavrov told Haley: "You lie."{Lavrov}| "I do not," she replied.{}',
    "two people of one surname": "Ann Lee said no.{Ann Lee}| Tom Lee said yes.{Tom Lee}| Lee added it was late.{Lee}",
    "two spellings of one name": "Sergey Lavrov said no.{Sergey Lavrov}| Sergei Lavrov left.{}| Lavrov said why."
    "{Sergey Lavrov}",
    "plain words are nobody's": "Ann Lee said no.{Ann Lee}| It was late.{}| The dam is old.{}",
    "a claim in between": "Ann Lee said no.{Ann Lee}| Critics said yes.{}| She added it was late.{}",
}


@pytest.mark.parametrize("marked", PASSAGES.values(), ids=PASSAGES)
def test_passages(marked: str) -> None:
    parts = [part.rstrip("}").split("{") for part in marked.split("|")]
    text = "".join(words for words, _ in parts)
    assert [text[span.start : span.end] for span in split_sentences(text)] == [words.strip() for words, _ in parts]
    assert speakers(text) == [name or None for _, name in parts]


@pytest.mark.parametrize(("between", "expected"), [(3, "Ann Lee"), (4, None)])
def test_he_reaches_four_sentences_back(between: int, expected: str | None) -> None:
    text = "Ann Lee said no. " + "She was late. " * between + "She added it was late."
    assert speakers(text)[-1] == expected


def test_the_sentence_that_names_the_speaker_is_given() -> None:
    text = 'It was late. Ann Lee said no. "The dam is old," she said.'
    assert find_speakers(text, split_sentences(text)) == [None, Speaker("Ann Lee", 1), Speaker("Ann Lee", 1)]


# Of the sample collection, read by a person: file, words of a sentence, whose they are.
READ_BY_HAND = [
    ("000", "sincerely urge everyone", "Zakharova"),
    ("000", "worn out", "Zakharova"),
    ("000", "maximum emergency", None),
    ("000", "Joe Biden concluded", None),
    ("001", "And in the calculation", "Russian Foreign Minister Sergey Lavrov"),
    ("001", "Moscow has long called", None),
    ("001", "The World wants Peace", "US President Donald Trump"),
    ("001", "after North Korea called", None),
    ("001", "exercise restraint and make", "Foreign Ministry spokeswoman Hua Chunying"),
    ("002", "resume contacts with Pyongyang", "Russia’s deputy UN envoy Vladimir Safronkov"),
    ("002", "denuclearizing the Korean", "Liu Jieyi"),
    ("002", "ban any activity", None),
    ("003", "definitely making a losing bet’", "Russian Foreign Minister Sergey Lavrov"),
    ("003", "under the current pandemic", None),
    ("004", "sharp military escalation", "Nikki Haley"),
    ("004", "We will use them if we must", "Nikki Haley"),
    ("004", "The ambassadors of France", None),
    ("004", "taking military measures", "Vladimir Safronkov"),
    ("004", "flagrant violation", "Liu Jieyi"),
    ("004", "attempts to change North Korea", "Russian Foreign Minister Sergei Lavrov"),
    ("004", "In a joint statement", "Russia and China"),
    ("004", "which the United States says", None),
    ("004", "So much for China", "U.S. President Donald Trump"),
    ("004", "the limited threat", "Pentagon spokesman Navy Captain Jeff Davis"),
    ("004", "Pyongyang has continued", None),
]


@pytest.mark.parametrize(("file", "words", "name"), READ_BY_HAND)
def test_the_sample_collection(file: str, words: str, name: str | None) -> None:
    (path,) = [path for path in SEEDS if path.name.startswith(file)]
    text = path.read_text("utf-8")
    spans = split_sentences(text)
    (position,) = [n for n, span in enumerate(spans) if words in text[span.start : span.end]]
    speaker = find_speakers(text, spans)[position]
    assert (speaker and speaker.name) == name


def test_quotation_states() -> None:
    text = 'He said: "We go. We must." Then he left. “We\nstay.'
    spans = split_sentences(text)
    assert [text[span.start : span.end] for span in spans] == [
        'He said: "We go.',
        'We must."',
        "Then he left.",
        "“We",
        "stay.",
    ]
    assert quotation_states(text, spans) == [
        (False, True),
        (True, False),
        (False, False),
        (False, True),
        (False, False),
    ]


PIECES = [
    "Ann Lee said no. ",
    "He added: ",
    '"We go. ',
    '" ',
    "“It ",
    "” ",
    "the minister said ",
    "\n\n",
    "Lee’s ",
    "told ",
]


@settings(max_examples=200)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=20).map("".join))
def test_any_text_has_speakers_that_it_names(text: str) -> None:
    spans = split_sentences(text)
    found = find_speakers(text, spans)
    assert len(found) == len(spans) == len(quotation_states(text, spans))
    for speaker in found:
        if speaker is not None:
            assert 0 <= speaker.sentence < len(spans)
            assert all(word in text for word in speaker.name.split() if word != "and")


ATTRIBUTING = (
    '"Well," said|told|the|Ann Lee|minister|of|Tarrow|, who|was there,|saying|called|called off|vowed|has|also|He|. |"|'
    "President|reiterated|concluded the talks|mayor of Tarrow,|condemned|wrote|critics of"
).split("|")


@settings(max_examples=300)
@given(st.lists(st.sampled_from(ATTRIBUTING), max_size=9).map(" ".join))
def test_every_form_of_attribution_has_a_verb_of_saying(text: str):
    if any(pattern.search(text) for pattern in (*_ATTRIBUTIONS, _OF_PLACE)):
        assert _HAS_VERB.search(text)
