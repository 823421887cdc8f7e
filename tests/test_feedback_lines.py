"""What readers said of answers, as lines of a question set."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import copy_seeds, run
from fake_backend import FakeBackend, answer, cite, make_article, refusal
from fakes import BagOfWordsEncoder
from hypothesis import given
from hypothesis import strategies as st

from eval.question_sets import load_set
from index.ingest import index_paths
from index.library import Library
from rag.answering import ask
from rag.citations import make_citation
from rag.types import MAX_QUESTION_CHARACTERS, Answer, Question, Statement, Turn
from ui.conversation_store import ConversationStore
from ui.exchanges import Asked
from ui.feedback_lines import feedback_lines, question_of, summary
from ui.feedback_store import FeedbackStore, Judged

VOTE = make_article("The vote was put off. Nobody said why. It will be held in May.", "The vote")
OTHER = make_article("The vote is not in June.", "Other")
CITED = (cite(1, VOTE, "held in May"), cite(2, VOTE, "put off"))
POINTED = make_citation(1, OTHER, 0, 8)
JUDGED = Judged("ab", "When is the vote?", citations={one.number: one for one in CITED})
MAY = replace(JUDGED, short="May", short_citations=(1,))
REFUSED = replace(JUDGED, refused=True, citations={})
SAYS_MAY, SAYS_OFF = {"article": VOTE.origin, "quote": "held in May"}, {"article": VOTE.origin, "quote": "put off"}
SAYS_VOTE = {"article": OTHER.origin, "quote": "The vote"}


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        (MAY, None),
        (replace(MAY, helpful=True), (["May"], [], True)),
        (replace(JUDGED, helpful=True), None),
        (replace(MAY, helpful=True, supports={1: True}), (["May"], [SAYS_MAY], True)),
        (replace(MAY, helpful=True, supports={1: False, 2: True}), ([], [SAYS_OFF], True)),
        (replace(MAY, supports={2: True, 1: True}), ([], [SAYS_OFF, SAYS_MAY], True)),
        (replace(MAY, supports={1: False}), None),
        (replace(MAY, helpful=False), None),
        (replace(MAY, helpful=False, supports={1: True}), None),
        (replace(MAY, helpful=False, supports={1: True}, passages=(POINTED, POINTED)), ([], [SAYS_VOTE], True)),
        (replace(REFUSED, helpful=True), ([], [], False)),
        (replace(REFUSED, helpful=False), None),
        (replace(REFUSED, helpful=False, passages=(POINTED,)), ([], [SAYS_VOTE], True)),
        (replace(REFUSED, passages=(POINTED,)), ([], [SAYS_VOTE], True)),
        (replace(REFUSED, helpful=True, passages=(POINTED,)), None),
        (replace(REFUSED, helpful=True, question="x" * (MAX_QUESTION_CHARACTERS + 1)), None),
    ],
)
def test_a_line_says_what_is_right_and_nothing_that_was_not_said(judged: Judged, expected) -> None:
    line = question_of(judged)
    if expected is None:
        assert line is None
    else:
        assert line is not None
        assert (line["answers"], line["evidence"], line["answerable"]) == expected
        assert (line["id"], line["question"], line["type"]) == ("feedback-ab", "When is the vote?", "feedback")
        assert not {"history", "as_of"} & set(line)


def test_a_follow_up_has_its_turns_and_a_day_is_kept() -> None:
    line = question_of(replace(REFUSED, helpful=True, history=(Turn("Q?", "A."),), as_of="2022-05-31"))
    assert line is not None
    assert (line["history"], line["as_of"]) == ([{"question": "Q?", "answer": "A."}], "2022-05-31")


def test_words_that_the_library_lost_are_left_out_and_a_file_of_one_name_is_named_by_it() -> None:
    judged = replace(MAY, supports={1: True, 2: True}, passages=(POINTED,))
    newer = make_article(VOTE.text.replace("put off", "postponed"), "The vote")
    twin = replace(OTHER, origins=("/elsewhere/The vote.txt",))
    backend = FakeBackend([newer, twin], lambda _: answer("", [], []))
    line = question_of(judged, backend, [*newer.origins, *twin.origins])
    assert line is not None
    assert line["evidence"] == [{"article": "/elsewhere/The vote.txt", "quote": "The vote"}, SAYS_MAY]
    line = question_of(judged, backend, newer.origins)
    assert line is not None
    assert line["evidence"][-1] == {"article": "The vote.txt", "quote": "held in May"}


def keep(store: ConversationStore, what: Answer, question: str, conversation: str = "", **asked) -> str:
    exchange = store.begin("ann", conversation, Asked(question, what.model, **asked))
    store.save(replace(exchange, state="finished", text=what.text, answer=what))
    return exchange.exchange_id


def test_a_judgement_outlives_its_conversation_until_it_is_taken_back() -> None:
    store = ConversationStore.open(None)
    feedback = FeedbackStore(store)
    first = keep(store, answer("When?", [Statement("**May** — In May.", (1,), "verbatim")], CITED), "When?")
    conversation = store.exchange(first).conversation_id
    store.begin("ann", conversation, Asked("Broken?", "extractive"))
    second = keep(store, refusal("And why?", "No.", []), "And why?", conversation)
    follow_up = store.exchange(second)
    assert follow_up.answer is not None
    store.save(replace(follow_up, answer=replace(follow_up.answer, standalone_question="Why is the vote put off?")))
    feedback.say("ann", first, "citation", "1", {"supports": True})
    feedback.say("ann", first, "answer", "", {"helpful": False, "comment": "no"})
    feedback.say("ann", first, "answer", "", {"helpful": True, "comment": "yes"})
    feedback.say("ann", second, "answer", "", {"helpful": True, "comment": ""})
    store.delete("ann", conversation)

    one, other = map(json.loads, feedback_lines(store, "ann"))
    assert (one["answers"], one["evidence"]) == (["May"], [SAYS_MAY])
    assert (other["question"], other["answerable"]) == ("Why is the vote put off?", False)
    assert other["history"] == [
        {"question": "When?", "answer": "**May** — In May. [1]"},
        {"question": "Broken?", "answer": "…"},
    ]
    assert summary(store, "ann") == {
        "lines": 2,
        "marks": 3,
        "without_line": 0,
        "helpful": {first: True, second: True},
    }
    assert feedback_lines(store, "bo") == feedback_lines(store, "") == []
    feedback.clear("bo", second, "answer", "")
    assert summary(store, "ann")["lines"] == 2
    feedback.clear("ann", second, "answer", "")
    feedback.clear("ann", first, "answer", "")
    assert summary(store, "ann") == {"lines": 1, "marks": 1, "without_line": 0, "helpful": {}}
    assert feedback.judged("ann", second) is None
    store.close()


texts = st.text(min_size=1)


@given(
    question=texts,
    standalone=texts,
    quote=st.text(st.characters(exclude_categories=("Cs",)), min_size=1),
    origin=texts,
    short=st.text("ab \n*"),
    helpful=st.none() | st.booleans(),
    supports=st.none() | st.booleans(),
    points=st.booleans(),
    refused=st.booleans(),
    earlier=st.text(st.characters(exclude_categories=("Cs",))),
)
def test_every_line_that_can_come_out_is_read(
    tmp_path_factory, question, standalone, quote, origin, short, helpful, supports, points, refused, earlier
) -> None:
    store = ConversationStore.open(None)
    feedback = FeedbackStore(store)
    article = make_article(f"a {quote} b", "x")
    cited = replace(make_citation(1, article, 2, 2 + len(quote)), origin=origin)
    said = answer(question, [Statement(f"**{short}** — {quote}", (1,), "verbatim")], [cited])
    made = replace(refusal(question, "No.", []) if refused else said, standalone_question=standalone)
    asked = question.encode("utf-8", "replace").decode()
    first = keep(store, answer("q", [], [], text=earlier), "q")
    identifier = keep(store, made, asked, store.exchange(first).conversation_id)
    if helpful is not None:
        feedback.say("ann", identifier, "answer", "", {"helpful": helpful, "comment": short})
    if supports is not None and not refused:
        feedback.say("ann", identifier, "citation", "1", {"supports": supports})
    if points:
        feedback.say("ann", identifier, "passage", "x", cited.as_json())
    lines = feedback_lines(store, "ann")
    counted = summary(store, "ann")
    store.close()
    assert counted["lines"] == len(lines)
    if lines:
        path = tmp_path_factory.mktemp("set") / "feedback.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        (read,) = load_set([path]).questions
        assert (read.type, read.ignored_fields) == ("feedback", ())
        path.unlink()


QUESTIONS = (
    "When did China and Russia veto the resolution on North Korea?",
    "Who is the mayor of Springfield?",
)


def test_eval_run_takes_the_file(tmp_path: Path) -> None:
    """Answers of the sample collection, judged as a reader would, are questions that the evaluation asks again."""
    seeds = copy_seeds(tmp_path / "seeds")
    store = ConversationStore.open(tmp_path / "state")
    feedback = FeedbackStore(store)
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as library:
        index_paths(library, [str(seeds)])
        for text in QUESTIONS:
            made = ask(Question(text), library)
            identifier = keep(store, made, text)
            feedback.say("ann", identifier, "answer", "", {"helpful": True, "comment": ""})
            if made.citations:
                feedback.say("ann", identifier, "citation", "1", {"supports": True})
    lines = feedback_lines(store, "ann")
    store.close()
    assert [bool(json.loads(line)["evidence"]) for line in lines] == [True, False]
    path = tmp_path / "feedback.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    ran = run("eval", "run", str(path), "--library", str(tmp_path / "library"), "--json")
    assert ran.exit_code == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert report["by_type"].keys() == {"feedback"}
