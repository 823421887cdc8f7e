"""The contract of an answer, in every way that one can come about."""

import json
import logging
import re
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import QuestionError, StoppedError
from index.library import Library
from index.types import SearchFilter
from rag import answering
from rag.answering import LEFT_OUT, AnswerSettings, ask, stream
from rag.prompts import DECLINE_SENTENCE, Message
from rag.types import MAX_QUESTION_CHARACTERS, Answer, Question, Turn
from tests.fakes import ScriptedGenerator
from tests.small_library import library_of, made_article

ARTICLES = [
    made_article(
        "TARROW, March 4 (Reuters) - Fire destroyed the old grain silo in Tarrow on Monday. Nobody at all was hurt.\n"
        'Fire chief Ruth Keating said a torch had caused the fire. "We will rebuild it. That takes a year," she said.\n'
        "The silo was built in 1931[12] and held 4,000 tonnes of wheat [3].",
        "silo",
        title="Fire destroys silo in Tarrow",
        source="Reuters",
        published="2021-03-04",
    ),
    made_article(
        "The port authority elected Tomas Brandt as its president on Friday.\n"
        "“We will dredge the western channel,” Brandt told reporters. “The work begins in May.” 🚢\n"
        "Dredging costs 12 million crowns.",
        "port",
        title="Brandt elected president of the port authority",
        source="Gazette",
        published="2022-01",
    ),
    made_article("Herring catches fell by a third.\nThe cooperative sold two boats in Café Zoë.", "herring"),
]
TEXTS = {article.article_id: article.text for article in ARTICLES}
ASKED = "When was the silo in Tarrow built?"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    path: Path = tmp_path_factory.mktemp("answering") / "library"
    with library_of(path, ARTICLES) as opened:
        yield opened


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is refused for want of confidence."""
    monkeypatch.setattr(answering, "refuse_below", lambda evidence: 0.0)


@pytest.fixture
def unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is."""
    monkeypatch.setattr(answering, "refuse_below", lambda evidence: 1.01)


KEYS = [
    *("question", "standalone_question", "answer", "refused", "refusal", "confidence", "statements", "citations"),
    *("passages", "model", "library_generation", "timings_ms", "incomplete", "notices", "prompt"),
]
PASSAGE_KEYS = [
    *("rank", "passage_id", "article_id", "score", "dense_rank", "keyword_rank", "start_char_index"),
    *("end_char_index", "text"),
]
CITATION_KEYS = [
    *("number", "article_id", "origin", "title", "source", "published", "url", "start_char_index", "end_char_index"),
    *("cited_text", "prefix", "suffix"),
]


def checked(answer: Answer) -> dict[str, Any]:
    """The answer's JSON, after every clause of the contract that holds for any answer."""
    document = json.loads(json.dumps(answer.as_json()))
    assert list(document) == KEYS
    assert 0 <= document["confidence"] <= 1
    assert all(value >= 0 for value in document["timings_ms"].values())
    assert [passage["rank"] for passage in document["passages"]] == list(range(1, len(document["passages"]) + 1))
    for passage in document["passages"] + (document["refusal"] or {"closest": []})["closest"]:
        assert list(passage) == PASSAGE_KEYS
        start, end = passage["start_char_index"], passage["end_char_index"]
        assert passage["text"] == TEXTS[passage["article_id"]][start:end]
    for citation in document["citations"]:
        assert list(citation) == CITATION_KEYS
        text, start, end = TEXTS[citation["article_id"]], citation["start_char_index"], citation["end_char_index"]
        assert citation["cited_text"] == text[start:end] != ""
        assert text[:start].endswith(citation["prefix"])
        assert text[end:].startswith(citation["suffix"])
    numbers = [citation["number"] for citation in document["citations"]]
    assert numbers == list(range(1, len(numbers) + 1))
    used = [number for statement in document["statements"] for number in statement["citations"]]
    assert set(used) == set(numbers)
    if document["refused"]:
        assert list(document["refusal"]) == ["reason", "message", "closest"]
        assert document["answer"] == document["refusal"]["message"] != ""
        assert not document["statements"]
    else:
        assert document["refusal"] is None
        assert document["statements"]
        assert {int(mark) for mark in re.findall(r"\[(\d+)\]", document["answer"])} == set(numbers)
        assert all(statement["text"] in document["answer"] for statement in document["statements"])
    return document


def refused(answer: Answer, reason: str) -> dict[str, Any]:
    document = checked(answer)
    assert document["refused"]
    assert document["refusal"]["reason"] == reason
    assert answer.refused
    return document


@pytest.mark.usefixtures("sure")
@pytest.mark.parametrize(
    ("question", "words"),
    [
        (ASKED, "The silo was built in 1931"),
        ("Who was elected president of the port authority?", "elected Tomas Brandt"),
        ("When does the work begin according to Brandt?", "The work begins in May."),
        ("What did the cooperative sell in Café Zoë?", "sold two boats in Café Zoë"),
        ("How has dredging changed over time?", "Dredging costs"),
    ],
)
def test_an_answer_of_the_articles_own_sentences(library: Library, question: str, words: str):
    document = checked(ask(Question(question), library))
    assert not document["refused"]
    assert words in document["answer"]
    assert document["model"] == "extractive"
    assert all(statement["support"] == "verbatim" for statement in document["statements"])
    assert document["question"] == document["standalone_question"] == question
    assert document["library_generation"] == library.generation
    assert {"retrieval", "evidence", "answer", "total"} <= set(document["timings_ms"])


@pytest.mark.usefixtures("sure")
def test_the_question_is_kept_as_it_was_asked(library: Library):
    document = checked(ask(Question(f"  {ASKED}\n"), library))
    assert document["question"] == f"  {ASKED}\n"
    assert document["standalone_question"] == ASKED


@pytest.mark.usefixtures("sure")
def test_no_more_passages_than_asked_for(library: Library):
    assert library.count_passages() > 2
    document = checked(ask(Question(ASKED), library, settings=AnswerSettings(k=2)))
    assert len(document["passages"]) == 2


@pytest.mark.usefixtures("sure")
def test_the_filter_keeps_other_articles_out(library: Library):
    question = Question("What was destroyed?", filter=SearchFilter(sources=frozenset({"gazette"})))
    document = checked(ask(question, library))
    port = ARTICLES[1].article_id
    assert {passage["article_id"] for passage in document["passages"]} == {port}
    assert {citation["article_id"] for citation in document["citations"]} == {port}


def test_a_library_without_articles(tmp_path: Path):
    with library_of(tmp_path / "empty", []) as opened:
        document = refused(ask(Question(ASKED), opened, generator=ScriptedGenerator("A lie. [1]")), "empty_library")
    assert document["passages"] == []
    assert document["confidence"] == 0
    assert document["model"] == "extractive"


def test_a_library_without_a_passage(tmp_path: Path):
    with library_of(tmp_path / "blank", [made_article(" \n", "blank", title="Blank")]) as opened:
        assert opened.count_passages() == 0
        document = refused(ask(Question(ASKED), opened), "no_match")
    assert document["answer"].startswith("No passage of the articles matches the question.")


def test_a_filter_that_no_article_passes(library: Library):
    question = Question(ASKED, filter=SearchFilter(date_from=date(2024, 1, 1)))
    generator = ScriptedGenerator("A lie. [1]")
    document = refused(ask(question, library, generator=generator), "out_of_range")
    assert "from 1 January 2024 on" in document["answer"]
    assert "3 articles" in document["answer"]
    assert generator.messages == []


@pytest.mark.usefixtures("unsure")
def test_too_little_confidence(library: Library):
    document = refused(ask(Question("What did Angela Merkel say in Tarrow?"), library), "low_confidence")
    assert document["answer"] == (
        "The articles do not hold the answer to this question. No article mentions “Angela Merkel”."
    )
    assert document["refusal"]["closest"] == document["passages"][:3]
    assert document["citations"] == []


def test_a_question_about_nothing_in_the_articles_is_refused(library: Library):
    refused(ask(Question("Which enzymes catalyse photosynthesis in quantum xylophones?"), library), "low_confidence")


@pytest.mark.parametrize(
    "reply", [DECLINE_SENTENCE, f"  {DECLINE_SENTENCE} ", "The passages do not contain the answer."]
)
def test_a_model_that_declines(library: Library, reply: str):
    document = refused(ask(Question(ASKED), library, generator=ScriptedGenerator(reply)), "model_declined")
    assert document["model"] == "scripted:model"
    assert len(document["refusal"]["closest"]) == 3


def test_a_model_that_answers_from_the_passages(library: Library):
    generator = ScriptedGenerator("The silo was built ", "in 1931 [1]. It is made of cheese [99].")
    settings = AnswerSettings(k=3, answer_tokens=77)
    document = checked(ask(Question(ASKED), library, generator=generator, settings=settings))
    assert document["model"] == "scripted:model"
    assert document["statements"][0]["support"] in {"verbatim", "supported"}
    assert document["statements"][1]["support"] == "unsupported"
    assert any("built in 1931" in citation["cited_text"] for citation in document["citations"])
    assert "[99]" not in document["answer"]
    assert generator.max_tokens == 77
    sent = generator.messages[0][-1].content
    assert f"Question: {ASKED}" in sent
    assert sent.count("<passage number=") == len(document["passages"]) == 3


def test_confidence_in_a_models_answer_counts_only_what_is_borne_out(library: Library, sure: None):
    def asked(reply: str) -> float:
        return ask(Question(ASKED), library, generator=ScriptedGenerator(reply)).confidence

    whole = asked("The silo was built in 1931 [1].")
    assert whole > 0
    assert asked("The silo was built in 1931 [1]. It is made of cheese [1].") == pytest.approx(whole / 2)
    assert asked("It is made of cheese [1].") == 0


def test_what_nothing_bears_out_is_left_out_where_the_articles_seem_not_to_hold_the_answer(
    library: Library, unsure: None
):
    made_up = ScriptedGenerator("Penguins made it of cheese in 1999 [1].")
    answer = ask(Question(ASKED), library, generator=made_up)
    document = refused(answer, "low_confidence")
    assert document["model"] == "scripted:model"
    assert document["notices"] == [LEFT_OUT.format(model="scripted:model")]
    assert "cheese" not in document["answer"]
    held = ask(Question(ASKED), library, generator=ScriptedGenerator("The silo was built in 1931 [1]."))
    assert not held.refused


@pytest.mark.parametrize(
    ("finish", "word"), [("length", "cut off at 700 tokens"), ("filtered", "filter"), ("complete", None)]
)
def test_an_answer_that_did_not_end_by_itself_is_incomplete(library: Library, finish: str, word: str | None):
    class CutShort(ScriptedGenerator):
        def generate(self, messages: Sequence[Message], *, max_tokens: int) -> Generator[str, None, str]:
            yield "The silo was built in 1931 [1]."
            return finish

    document = checked(ask(Question(ASKED), library, generator=CutShort()))
    assert document["incomplete"] == (word is not None)
    assert [word in notice for notice in document["notices"]] == ([] if word is None else [True])
    assert document["statements"][0]["support"] in {"verbatim", "supported"}


def test_stopping_keeps_what_was_written_and_before_a_word_there_is_no_answer(library: Library):
    stop = threading.Event()

    class Stopped(ScriptedGenerator):
        def generate(self, messages: Sequence[Message], *, max_tokens: int) -> Generator[str, None, str]:
            yield "The silo was built in 1931 [1]. "
            stop.set()
            yield "It is never heard of."

    *_, answer = stream(Question(ASKED), library, generator=Stopped(), stop=stop)
    assert isinstance(answer, Answer)
    assert answer.incomplete
    assert "1931" in answer.text
    with pytest.raises(StoppedError):
        list(stream(Question(ASKED), library, generator=Stopped(), stop=stop))


def test_the_prompt_of_an_answer_is_named_and_passages_that_do_not_fit_are_counted(library: Library):
    reply = ScriptedGenerator("The silo was built in 1931 [1]. It holds grain [99].")
    whole = checked(ask(Question(ASKED), library, generator=reply))
    assert whole["prompt"]["marks_removed"] == 1
    assert re.fullmatch("[0-9a-f]{64}", whole["prompt"]["template_sha256"])
    tight = replace(AnswerSettings(), prompt_tokens=whole["prompt"]["tokens"] - 1)
    fewer = checked(ask(Question(ASKED), library, generator=reply, settings=tight))
    assert fewer["prompt"]["passages_dropped"] >= 1
    assert fewer["prompt"]["passages"] + fewer["prompt"]["passages_dropped"] == whole["prompt"]["passages"]
    assert "did not fit" in fewer["notices"][0]
    assert checked(ask(Question(ASKED), library))["prompt"] is None


MADE_UP = st.lists(
    st.one_of(
        st.sampled_from(
            ["The silo was built in 1931.", "[1]", "[2]", "[99]", "[1][3]", "[0]", "\n\n", " - ", "“x”", "🚢"]
        ),
        st.text(max_size=20),
    ),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(pieces=MADE_UP)
@pytest.mark.usefixtures("sure")
def test_whatever_a_model_writes_the_contract_holds(library: Library, pieces: list[str]):
    answer = ask(Question(ASKED), library, generator=ScriptedGenerator(*pieces))
    checked(answer)
    assert answer.model in {"scripted:model", "extractive"}


@pytest.mark.usefixtures("sure")
@pytest.mark.parametrize(
    "generator",
    [
        ScriptedGenerator(fails=True),
        ScriptedGenerator("The silo was bui", fails=True),
        ScriptedGenerator(),
        ScriptedGenerator("", "  \n"),
    ],
    ids=["at once", "in the middle", "nothing", "blank"],
)
def test_a_model_that_fails_is_replaced_by_the_articles_own_sentences(
    library: Library, generator: ScriptedGenerator, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO, "dateline"):
        document = checked(ask(Question(ASKED), library, generator=generator))
    assert document["model"] == "extractive"
    [notice] = document["notices"]
    assert "scripted:model" in notice
    plain = checked(ask(Question(ASKED), library))
    assert without_timings({**document, "notices": []}) == without_timings(plain)
    assert "scripted:model" in caplog.text
    assert "articles' own sentences" in caplog.text


def test_another_error_of_a_model_is_not_hidden(library: Library):
    class Broken(ScriptedGenerator):
        def generate(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[str]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(Question(ASKED), library, generator=Broken())


def without_timings(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "timings_ms": None}


@pytest.mark.parametrize(
    "generator", [None, ScriptedGenerator("The silo was built ", "in 1931 [1]."), ScriptedGenerator(DECLINE_SENTENCE)]
)
@pytest.mark.parametrize("confidence", ["sure", "unsure"])
def test_the_last_item_of_a_stream_is_the_answer(
    library: Library, generator: ScriptedGenerator | None, confidence: str, request: pytest.FixtureRequest
):
    request.getfixturevalue(confidence)
    *pieces, last = stream(Question(ASKED), library, generator=generator)
    assert isinstance(last, Answer)
    assert all(isinstance(piece, str) for piece in pieces)
    whole = ask(Question(ASKED), library, generator=generator)
    assert without_timings(checked(last)) == without_timings(checked(whole))
    if generator is not None:
        assert tuple(pieces) == generator.pieces
    else:
        assert "".join(str(piece) for piece in pieces) == ("" if last.refused else last.text)


@pytest.mark.usefixtures("sure")
def test_the_pieces_of_a_model_come_before_it_is_done(library: Library):
    generator = ScriptedGenerator("The silo ", "was built in 1931 [1].", fails=True)
    items = stream(Question(ASKED), library, generator=generator)
    assert next(items) == "The silo "
    *_, last = items
    assert isinstance(last, Answer)
    assert last.model == "extractive"


BUILT_AND = f"{ASKED[:-1]}, and who was elected president of the port authority?"
BUILT, ELECTED = ASKED[:-1], "who was elected president of the port authority?"


@pytest.fixture
def confidences(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """The confidence in each part of a question, by its text; answers need 0.3."""
    given: dict[str, float] = {}
    monkeypatch.setattr(answering, "confidence", lambda evidence: given[evidence.profile.text])
    monkeypatch.setattr(answering, "refuse_below", lambda evidence: 0.3)
    return given


def test_a_part_that_the_articles_do_not_hold_is_named_behind_the_answer(
    library: Library, confidences: dict[str, float]
):
    confidences |= {BUILT: 0.5, ELECTED: 0.05}
    *pieces, answer = stream(Question(BUILT_AND), library)
    document = checked(answer)
    assert document["answer"].endswith(
        "\n\nThe articles do not hold: “who was elected president of the port authority”."
    )
    assert "built in 1931" in document["answer"]
    assert "Brandt" not in document["answer"]
    assert "do not hold" not in " ".join(statement["text"] for statement in document["statements"])
    assert document["confidence"] == 0.5
    assert pieces == [document["answer"]]


@pytest.mark.parametrize(("built", "elected"), [(0.5, 0.12), (0.5, 0.5), (0.31, 0.29)])
def test_parts_that_may_be_held_are_answered_together(
    library: Library, confidences: dict[str, float], built: float, elected: float
):
    confidences |= {BUILT: built, ELECTED: elected}
    document = checked(ask(Question(BUILT_AND), library))
    assert "built in 1931" in document["answer"]
    assert "Brandt" in document["answer"]
    assert "do not hold" not in document["answer"]
    assert document["confidence"] == pytest.approx((built + elected) / 2)


@pytest.mark.parametrize(("built", "elected"), [(0.05, 0.05), (0.29, 0.05), (0.05, 0.29), (0.3, 0.2)])
def test_without_a_part_that_is_sure_enough_the_whole_is_refused(
    library: Library, confidences: dict[str, float], built: float, elected: float
):
    confidences |= {BUILT: built, ELECTED: elected}
    document = refused(ask(Question(BUILT_AND), library), "low_confidence")
    assert document["confidence"] == pytest.approx((built + elected) / 2)


def test_a_part_that_rests_on_one_that_is_not_held_falls_with_it(library: Library, confidences: dict[str, float]):
    confidences |= {"When was the silo in Zanzibar built": 0.05, "who paid for it?": 0.9}
    document = refused(
        ask(Question("When was the silo in Zanzibar built, and who paid for it?"), library), "low_confidence"
    )
    assert "No article mentions “Zanzibar”." in document["answer"]


def test_a_mark_in_the_part_that_is_not_held_is_none_of_the_answer(library: Library, confidences: dict[str, float]):
    confidences |= {BUILT: 0.5, "who was elected president of the port [1] authority?": 0.05}
    question = f"{BUILT}, and who was elected president of the port [1] authority?"
    document = checked(ask(Question(question), library))
    assert document["answer"].endswith("“who was elected president of the port (1) authority”.")


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u2003", "why? " * 20_000, "x" * (MAX_QUESTION_CHARACTERS + 1)])
def test_an_empty_or_enormous_question_is_no_question(library: Library, text: str):
    with pytest.raises(QuestionError):
        ask(Question(text), library)


def test_half_a_character_is_no_question(library: Library):
    with pytest.raises(QuestionError):
        ask(Question("Who \ud83d built the silo?"), library)


def test_the_longest_question_is_answered_or_refused(library: Library):
    longest = ("When was the silo in Tarrow built? " * 200)[: MAX_QUESTION_CHARACTERS - 1] + "?"
    checked(ask(Question(longest), library))


@pytest.mark.usefixtures("sure")
def test_a_follow_up_is_asked_as_a_question_that_stands_alone(library: Library):
    turn = Turn("What did Ruth Keating say about the fire?", "Fire chief Ruth Keating said a torch had caused it. [1]")
    document = checked(ask(Question("What did she say about a year?", (turn,)), library))
    assert document["question"] == "What did she say about a year?"
    assert document["standalone_question"] == "What did Ruth Keating say about a year?"
    assert "That takes a year" in document["answer"]


@pytest.mark.usefixtures("sure")
def test_a_model_is_asked_the_question_that_stands_alone(library: Library):
    generator = ScriptedGenerator("In 1931 [1].")
    turn = Turn("What destroyed the silo in Tarrow?", "Fire. [1]")
    ask(Question("When was it built?", (turn,)), library, generator=generator)
    # "In 1931" is no question, so that the one of the rules is asked.
    assert "Question: When was it built? (What destroyed the silo in Tarrow?)" in generator.messages[-1][-1].content


@pytest.mark.usefixtures("sure")
def test_a_model_rewrites_a_follow_up_before_it_is_searched_for(library: Library):
    generator = ScriptedGenerator("When was the silo in Tarrow built? [1]")
    turn = Turn("What destroyed the silo in Tarrow?", "Fire. [1]")
    document = checked(ask(Question("When was it built?", (turn,)), library, generator=generator))
    assert document["question"] == "When was it built?"
    assert document["standalone_question"] == ASKED
    assert document["passages"] == checked(ask(Question(ASKED), library))["passages"]
    rewriting, answering = generator.messages
    assert "<question>\nWhen was it built?\n</question>" in rewriting[-1].content
    assert f"Question: {ASKED}\n" in answering[-1].content


@pytest.mark.usefixtures("sure")
def test_a_complete_question_and_an_empty_library_cost_no_rewriting(library: Library, tmp_path: Path):
    turn = Turn("What destroyed the silo in Tarrow?", "Fire. [1]")
    generator = ScriptedGenerator("In 1931 [1].")
    ask(Question(ASKED, (turn,)), library, generator=generator)
    assert len(generator.messages) == 1
    with library_of(tmp_path / "empty", []) as opened:
        refused(ask(Question("When was it built?", (turn,)), opened, generator=generator), "empty_library")
    assert len(generator.messages) == 1


def test_a_conversation_changes_no_question_that_is_complete(library: Library):
    turn = Turn("What did Ruth Keating say about the fire?", "A torch had caused it. [1]")
    alone, later = (checked(ask(Question(ASKED, history), library)) for history in ((), (turn,)))
    assert without_timings(alone) == without_timings(later)


QUESTIONS = [ASKED, "What did Brandt and Keating say?", "How has dredging changed?", "xyzzy", "Who?", "?"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_same_question_has_the_same_answer(library: Library, tmp_path: Path, question: str):
    first, second = (without_timings(checked(ask(Question(question), library))) for _ in range(2))
    assert first == second
    # Also from another library of the same articles, in which nothing has been asked yet.
    with library_of(tmp_path / "again", ARTICLES) as opened:
        again = without_timings(checked(ask(Question(question), opened)))
    assert json.dumps(again) == json.dumps(first)


WORDS = st.sampled_from(
    "when who how many silo Tarrow built Brandt's Keating he it that and , ? ( ) [1] \" “ 1931 U.S. 🚢 % \\".split()
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    text=st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=15).map(" ".join)),
    history=st.lists(st.builds(Turn, st.text(max_size=30), st.text(max_size=30)), max_size=2),
)
@pytest.mark.usefixtures("sure")
def test_any_question_is_answered_refused_or_no_question(library: Library, text: str, history: list[Turn]):
    try:
        answer = ask(Question(text, tuple(history)), library)
    except QuestionError:
        assert not text.strip()
    else:
        checked(answer)


def test_stopping_while_a_follow_up_is_rewritten_ends_it_at_once(library: Library):
    class Silent(ScriptedGenerator):
        def generate(self, messages, *, max_tokens, stop=None):
            self.messages.append(messages)
            stop.wait(10)
            yield from ()
            return "stopped"

    generator, stop = Silent(), threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(StoppedError):
        list(stream(Question("Who built it?", (Turn(ASKED, "In 1931. [1]"),)), library, generator=generator, stop=stop))
    assert time.monotonic() - began < 1.1
    assert len(generator.messages) == 1, "nothing is asked of the model afterwards"
