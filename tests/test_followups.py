"""A complete question is left as it is; a follow-up gets the person or the topic that it leaves out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.followups import make_standalone
from rag.types import MAX_QUESTION_CHARACTERS, Turn

LAVROV = Turn(
    "What did Lavrov offer in his December interview with RIA?",
    "Lavrov was cited as saying that Russia was ready to facilitate such negotiations. (Agencies, 25 December 2017) "
    "[1]\n\nLavrov told the state-run RIA news agency in a written interview on Monday that there is a need to develop "
    "relations with North Korea. (Agencies, 25 December 2017) [2]",
)
HALEY = Turn(
    "What did Nikki Haley say about the ICBM launch?",
    "Nikki Haley, the U.S. ambassador to the UN, told the council on July 5 that North Korea's launch of an ICBM is a "
    "sharp military escalation. (RFE/RL, 5 July 2017) [1]\n\nNikki Haley: She also said North Korea's actions were "
    '"quickly closing off the possibility of a diplomatic solution". (RFE/RL, 5 July 2017) [2]',
)
SAFRONKOV = Turn(
    "What did Safronkov warn of after the vote on resolution 2356?",
    '"The logic of confrontation may have serious consequences for the Korean Peninsula," the diplomat added. [1]',
)
MOON = Turn(
    "How did South Korea's president react to the ICBM test?",
    "South Korea President Moon Jae-in, speaking in Berlin ahead of this week's Group of 20 (G20) summit, said the "
    'ICBM test was "a big threat and provocation". (RFE/RL, 5 July 2017) [1]',
)
HUA = Turn(
    "What did China's foreign ministry spokeswoman urge after North Korea called the sanctions an act of war?",
    "Foreign Ministry spokeswoman Hua Chunying said Monday that nations should exercise restraint. [1]",
)
MISSILES = Turn(
    "How many missiles did North Korea test in 2016?",
    "In September 2016, Pyongyang carried out another nuclear test, while more than 20 missiles were test-fired. [1]",
)
VETO = Turn(
    "What happened to the US resolution on North Korea after Biden's trip to Asia?",
    "On Thursday, Russia and China vetoed the US-sponsored resolution at the UN Security Council. (Sputnik, May 2022) "
    "[1]",
)
HARBOUR = Turn(
    "Who led the dock workers' strike in Tarrow?",
    "The strike was led by Ines Calder, a crane driver. Her brother Tom joined later. [1]",
)
PORT = Turn(
    "Who is the head of the port authority in Tarrow?",
    "The port authority elected Tomas Brandt as its president on Friday. (Gazette, January 2022) [1]",
)
TOWN = Turn("Who runs the town of Norhaven?", "Mayor Greta Lind has run Norhaven since 2019. [1]")
TALKS = Turn("What did Rex Tillerson and Sergey Lavrov discuss in Moscow?", "They discussed Syria. [1]")

COMPLETE = [
    "Who said that sanctions had reached their limits?",
    "What did Haley say that the United States would do about trade with Pyongyang?",
    "Is it true that Lavrov met Trump in 2017?",
    "Is there any mention of the THAAD system?",
    "How many missile tests were there in 2016?",
    "There are sanctions on oil exports to North Korea; who imposed them?",
    "How did Lavrov describe his talks with Tillerson?",
    "What did Nikki Haley say about her country's military forces?",
    "Did Trump say whether he would meet Xi Jinping in Beijing?",
    "What did Trump tweet after the vote, and what did he say about China?",
    "Did Hua Chunying say that she expected new talks?",
    "Why does North Korea say that it needs nuclear weapons?",
    "When did Russia say it would veto the resolution?",
    "Did the Security Council vote on its resolution unanimously?",
    "Which countries said they would back new sanctions?",
    "Who is the ambassador that criticised Russia?",
    "What are the reasons that Russia gave for its veto?",
    "Which sanctions that were imposed on Pyongyang concern oil?",
    "Does the resolution that Russia vetoed mention oil exports?",
    "What is the fact that Zakharova stressed about Washington's resolution?",
    "How does North Korea justify its missile programme?",
    "What did both Moscow and Beijing demand of Washington?",
    "Compare the positions of Russia in 2017 and 2022.",
    "When was resolution 2356 adopted?",
    "Which of the five permanent members vetoed the sanctions?",
    "When North Korea launched the missile, did it also conduct a nuclear test?",
    "What would Washington offer Pyongyang if it gave up its weapons?",
    "What did Donald Trump and Kim Jong Un say they would discuss?",
    "Who else besides Zakharova criticised the sanctions?",
    "So far, how many missiles has North Korea launched this year?",
    "What is it that Kim Jong Un ordered in May?",
    "And what did Nikki Haley say about trade with Pyongyang?",
    "Who told Trump that Kim Jong Un had insulted him?",
    "How did the man who lost his house in the flood react to the offer?",
    "One of the resolutions bans oil exports to North Korea: which one of the resolutions?",
    "Did China and Russia say the same thing about THAAD?",
    "How long did it take the Security Council to adopt resolution 2356?",
    "What would a country like Japan gain from such a treaty with North Korea?",
    "What do the articles say about this year's missile tests by Pyongyang?",
    # "It" of the weather or of an emphasis.
    "Is it raining in Tarrow on the day of the launch?",
    "Why is it that Russia opposes sanctions on North Korea?",
    "Was it Haley who called the launch a sharp military escalation?",
    # What is meant stands behind, or in the sentence before.
    "In her first speech, what did Nikki Haley announce?",
    "After his election, what did President Moon Jae-in propose to North Korea?",
    "In his Christmas interview, what did Russia's foreign minister demand of Washington?",
    "Trump's tweets about North Korea: what was he writing in July?",
    "North Korea launched an ICBM in July 2017. What did it say about that launch?",
    "The December package was the third against Pyongyang. What were these sanctions to achieve?",
    # An office is somebody, too.
    "What did the Chinese foreign minister tell his Russian counterpart about THAAD?",
    "To what did the defeated premier attribute her party's loss in November 2022?",
    # What "the ones" and "that" are, the question says.
    "How do the sanctions of December 2017 differ from the ones adopted in August?",
    "How does the number of tests in 2017 compare with that of 2016?",
    "What did the port authority claim on the one hand and Halvard Lines on the other?",
    "Who in Moscow suffers from the one-sided measures against Pyongyang?",
    "Who spoke for the Pentagon when it expressed confidence in its missile defence?",
    # A short question that leaves nothing out.
    "Who is Wang Yi?",
    "What is THAAD?",
    "What did the banner on the Silver Anna say?",
]
HISTORIES = {
    "lavrov": (LAVROV,),
    "haley": (HALEY,),
    "missiles": (MISSILES,),
    "several": (VETO, MOON, HUA),
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES.keys())
@pytest.mark.parametrize("question", COMPLETE)
def test_a_complete_question_stays_as_it_is(question: str, history: tuple[Turn, ...]):
    standalone = make_standalone(question, history)
    assert standalone.text == question
    assert not standalone.changed


FOLLOW_UPS = [
    # Of these, what they ask about is a person, who is put in for the pronoun.
    ("What did he say about North Korea's nuclear ambitions?", (LAVROV,), "Lavrov"),
    ("How did he describe the North's nuclear ambitions there?", (LAVROV,), "Lavrov"),
    ("Did he mention the blockade of the country?", (LAVROV,), "Lavrov"),
    ("Where was he speaking?", (MOON,), "Moon Jae-in"),
    ("Did he say whether he would meet Xi Jinping there?", (MOON,), "Moon Jae-in"),
    ("What did she think of Trump's tweet about the vote?", (HUA,), "Hua Chunying"),
    ("What did North Korea say about him?", (LAVROV,), "Lavrov"),
    ("What did Trump say about her?", (HALEY,), "Haley"),
    ("How did the UN respond to his proposal?", (LAVROV,), "Lavrov's proposal"),
    ("What deal did his Chinese colleague suggest?", (SAFRONKOV,), "Safronkov's Chinese colleague"),
    ("Why did she join the strike in Tarrow?", (HARBOUR,), "Ines Calder"),
    ("When did he become foreign minister of Russia?", (LAVROV, MISSILES), "Lavrov"),
    # Of these, it is a thing, so that the earlier question goes behind them.
    ("And what deal did his Chinese colleague suggest there?", (SAFRONKOV,), SAFRONKOV.question),
    ("And what did she threaten those who do business with the North with there?", (HALEY,), HALEY.question),
    ("When did he say it?", (LAVROV,), LAVROV.question),
    ("And China?", (MISSILES,), MISSILES.question),
    ("What about Haley?", (LAVROV,), LAVROV.question),
    ("And what did Haley say?", (LAVROV,), LAVROV.question),
    ("Why?", (VETO,), VETO.question),
    ("Why not?", (VETO,), VETO.question),
    ("When was that?", (VETO,), VETO.question),
    ("When was the last of them?", (MISSILES,), MISSILES.question),
    ("How many of those were failures?", (MISSILES,), MISSILES.question),
    ("What would it have banned Pyongyang from selling abroad?", (VETO,), VETO.question),
    ("And how would passing it affect trust between the states concerned?", (VETO,), VETO.question),
    ("Which North Korean exports would it have banned?", (VETO,), VETO.question),
    ("And how many North Korean sailors did they detain?", (VETO,), VETO.question),
    ("Where did he say that?", (MOON,), f"Moon Jae-in say that? ({MOON.question})"),
    ("Who else said that about North Korea's leaders?", (VETO,), VETO.question),
    ("How did Trump react to it?", (LAVROV,), LAVROV.question),
    ("Which countries employ most of them?", (MISSILES,), MISSILES.question),
    ("How did Nikki Haley and Lavrov respond to that?", (MISSILES,), MISSILES.question),
    ("What did Russia and China say about this?", (MISSILES,), MISSILES.question),
    ("Has Japan imposed such measures?", (VETO,), VETO.question),
    ("Who else was against the resolution?", (VETO,), VETO.question),
    ("Did China say the same?", (LAVROV,), LAVROV.question),
    ("Which ministers attended that meeting?", (VETO,), VETO.question),
    ("How many missiles has North Korea launched since then?", (VETO,), VETO.question),
    ("Did the United States do so?", (LAVROV,), LAVROV.question),
    ("Which one came first?", (MISSILES,), MISSILES.question),
    ("Is it true?", (MISSILES,), MISSILES.question),
    ("What was said there in the end about Japanese ships?", (VETO,), VETO.question),
    # A place of the earlier question is not the person.
    ("When did he take office?", (PORT,), "When did Tomas Brandt take office?"),
    ("Who replaced him?", (PORT,), "Who replaced Tomas Brandt?"),
    ("When was she elected?", (TOWN,), "When was Greta Lind elected?"),
    ("What did her first letter to the UN say?", (HALEY,), "What did Nikki Haley's first letter to the UN say?"),
    # Names alone, or a reaction to nothing that is named.
    ("China?", (LAVROV,), LAVROV.question),
    ("Wang Yi?", (LAVROV,), LAVROV.question),
    ("In Japan?", (LAVROV,), LAVROV.question),
    ("Really?", (VETO,), VETO.question),
    ("How did Tokyo react?", (LAVROV,), LAVROV.question),
    ("What was China's response?", (MISSILES,), MISSILES.question),
    ("How did Russia and China vote?", (HALEY,), HALEY.question),
    ("Did the Security Council agree?", (LAVROV,), LAVROV.question),
    ("What did Beijing say?", (VETO,), VETO.question),
    ("What did the two ministers say afterwards?", (TALKS,), TALKS.question),
    ("Did the three countries sign a treaty?", (TALKS,), TALKS.question),
    ("Thanks. And the mayor?", (TOWN,), TOWN.question),
    ("What about 2019?", (VETO,), VETO.question),
    ("Who said so?", (VETO,), VETO.question),
    ("How many were there?", (MISSILES,), MISSILES.question),
    ("Did they agree?", (TALKS,), TALKS.question),
]


@pytest.mark.parametrize(("question", "history", "expected"), FOLLOW_UPS)
def test_a_follow_up_gets_the_person_or_the_topic_it_leaves_out(question: str, history, expected: str):
    standalone = make_standalone(question, history)
    assert standalone.changed
    assert expected in standalone.text
    assert standalone.text == (f"{standalone.core} ({standalone.topic})" if standalone.topic else standalone.core)


def test_nothing_is_changed_without_a_conversation():
    standalone = make_standalone("What did he say?", ())
    assert standalone.text == "What did he say?"
    assert not standalone.changed


def test_only_the_first_pronoun_is_replaced():
    standalone = make_standalone("Did he say when he would visit Japan?", (LAVROV,))
    assert standalone.text == "Did Lavrov say when he would visit Japan?"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "What was her view of North Korea's missile tests?",
            "What was Nikki Haley's view of North Korea's missile tests?",
        ),
        ("What did her UN colleagues from Japan answer?", "What did Nikki Haley's UN colleagues from Japan answer?"),
        ("What did Trump tell her to do about China?", "What did Trump tell Nikki Haley to do about China?"),
        ("Which countries agreed with her at the UN?", "Which countries agreed with Nikki Haley at the UN?"),
        ("Did Russia and China criticise her?", "Did Russia and China criticise Nikki Haley?"),
        ("Is the phrase about military forces hers?", "Is the phrase about military forces Nikki Haley's?"),
    ],
)
def test_her_is_replaced_by_the_name_or_its_possessive(question: str, expected: str):
    assert make_standalone(question, (HALEY,)).text == expected


TRUMP = Turn(
    "How did Donald Trump react to the vote?",
    'US President Donald Trump endorsed the stricter measures, saying on Twitter "The World wants Peace". [1]',
)


@pytest.mark.parametrize(
    ("question", "history", "expected"),
    [
        # The last one who is spoken of.
        (
            "What did he say about trade with China?",
            (LAVROV, TRUMP),
            "What did Donald Trump say about trade with China?",
        ),
        ("What did he say about trade with China?", (TRUMP, LAVROV), "What did Lavrov say about trade with China?"),
        # Not the last one, if the conversation shows that the last one is a woman.
        ("What did he say about trade with China?", (LAVROV, HALEY), "What did Lavrov say about trade with China?"),
        ("What did she say about trade with China?", (HALEY, HUA), "What did Hua Chunying say about trade with China?"),
        # Of two in one question, the one whose words it asks for.
        (
            "What did he say about trade with China?",
            (Turn("What did Trump tell Moon Jae-in?", "He called the deal unfair. [1]"),),
            "What did Trump say about trade with China?",
        ),
        # Nobody whom the question itself names.
        ("What did Trump say about him in 2017?", (LAVROV, TRUMP), "What did Trump say about Lavrov in 2017?"),
    ],
)
def test_of_two_people_the_likelier_one_is_put_in(question: str, history: tuple[Turn, ...], expected: str):
    assert make_standalone(question, history).text == expected


def test_a_pronoun_that_fits_nobody_gets_the_topic():
    assert make_standalone("What did she want?", (MISSILES,)).text == f"What did she want? ({MISSILES.question})"


def test_a_chain_of_follow_ups_keeps_the_person_that_the_first_question_named():
    second = Turn("When did he say it?", "The Security Council met on Monday, the Foreign Ministry noted. [1]")
    third = Turn("And why did he mention Donald Trump in that speech?", "No reason is given. [1]")
    assert make_standalone("Where did he go afterwards in 2017?", (LAVROV, second)).text.startswith(
        "Where did Lavrov go"
    )
    standalone = make_standalone("And what was it about?", (LAVROV, second, third)).text
    assert standalone == f"And what was it about? ({LAVROV.question} {third.question})"


def test_a_chain_of_follow_ups_keeps_the_last_complete_question():
    second = Turn("Which countries employ most of them?", "Russia and China. [1]")
    assert make_standalone("Since when?", (VETO, MISSILES, second)).text == (
        f"Since when? ({MISSILES.question} {second.question})"
    )


def test_a_new_complete_question_in_between_becomes_the_topic():
    standalone = make_standalone("Why?", (LAVROV, Turn("And Japan?", "It agreed. [1]"), MISSILES))
    assert standalone.text == f"Why? ({MISSILES.question})"


def test_the_topic_of_an_enormous_conversation_is_bounded():
    enormous = Turn("What did Lavrov say about Japan? " * 20_000, "Lavrov said nothing. " * 50_000)
    standalone = make_standalone("And when did he say that?", (enormous, enormous))
    assert "Lavrov" in standalone.text
    assert len(standalone.text) < 3 * MAX_QUESTION_CHARACTERS


def test_half_a_character_in_a_conversation_does_no_harm():
    broken = Turn("What did Lavrov \ud83d say?", "Lavrov said \udfff nothing.")
    standalone = make_standalone("And when did he say that?", (broken,))
    assert standalone.text == "And when did Lavrov say that? (What did Lavrov ? say?)"


def test_only_the_last_turns_count():
    old = (LAVROV, *(Turn(f"How many ships did Japan build in {year}?", "Two. [1]") for year in range(1990, 2010)))
    assert make_standalone("What did he say about China?", old).topic == old[-1].question
    assert "Lavrov" in make_standalone("What did he say about China?", old[:8]).text


WORDS = st.sampled_from(
    "what did he she her his it that they there so and Lavrov Haley's Kim Jong Un North Korea the U.S. said one which "
    '( ) [ \\ ? . , \n " ’'.split(" ")
)
TEXTS = st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=15).map(" ".join))


@given(question=TEXTS, turns=st.lists(st.builds(Turn, TEXTS, TEXTS), max_size=3))
def test_any_conversation_gives_a_question_that_holds_what_was_asked(question: str, turns: list[Turn]):
    standalone = make_standalone(question, turns)
    assert standalone.changed == (standalone.text != question)
    assert len(standalone.text) >= len(question) - len("himself")
    assert make_standalone(question, turns) == standalone
