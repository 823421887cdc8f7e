"""The systems that answer a set, the baselines beside them, and one question put to all of them."""

import json
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pytest

from eval.asking import Asker
from eval.citation_support import RuleChecker
from eval.rankings import MEASURES
from eval.systems import (
    SYSTEMS,
    TOP_PASSAGE_CONFIDENCE,
    answering_baselines,
    baseline_asks,
    check_system,
    library_search,
    passage_baselines,
    share,
    system_ask,
    uses_model,
)
from eval.types import ArticleSpan, EvalQuestion, Gold, Judgement
from index.encoder import Encoder
from index.errors import DatelineError, InputError, ModelError, QuestionError
from index.types import SearchFilter
from rag.answering import AnswerSettings, ask
from rag.types import Question, Turn
from tests.fakes import BagOfWordsEncoder
from tests.small_library import library_of, made_article

SILO = made_article(
    "TARROW, March 4 (Reuters) - Fire destroyed the old grain silo in Tarrow on Monday. The silo was built in 1931[1] "
    "and held 4,000 tonnes of wheat.",
    "silo",
    title="Fire destroys silo in Tarrow",
    published="2021-03-04",
)
PORT = made_article(
    "The port authority elected Tomas Brandt as its president on Friday.", "port", published="2022-01-10"
)
ASKED = "When was the silo in Tarrow built?"
NEVER = "Xylophone quasar?"


@dataclass
class ScriptedModel:
    """A language model that gives its pieces, or raises."""

    pieces: tuple[str, ...] = ("The silo was built in 1931. [1]",)
    error: Exception | None = None
    name: str = "openai:scripted"
    asked: list[str] = field(default_factory=list)
    finish: str | None = None

    def generate(self, messages, *, max_tokens):
        self.asked.append(messages[-1].content)
        yield from self.pieces
        if self.error is not None:
            raise self.error
        return self.finish


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    with library_of(tmp_path_factory.mktemp("systems") / "library", [SILO, PORT]) as opened:
        yield opened


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    with library_of(tmp_path_factory.mktemp("systems") / "empty", []) as opened:
        yield opened


def without_times(answer):
    return {name: value for name, value in answer.as_json().items() if name != "timings_ms"}


def check_contract(document, library):
    """What every `ask --json` document keeps."""
    assert json.loads(json.dumps(document)) == document
    numbers = [citation["number"] for citation in document["citations"]]
    assert numbers == list(range(1, len(numbers) + 1))
    for citation in document["citations"]:
        article = library.article(citation["article_id"])
        assert article.text[citation["start_char_index"] : citation["end_char_index"]] == citation["cited_text"]
        assert f"[{citation['number']}]" in document["answer"]
        assert citation["origin"] in article.origins
    assert {number for statement in document["statements"] for number in statement["citations"]} == set(numbers)
    assert 0 <= document["confidence"] <= 1
    assert document["refused"] == (document["refusal"] is not None)
    assert document["timings_ms"]["total"] >= 0


def test_the_systems_are_those_of_the_command_line():
    assert list(SYSTEMS) == ["dateline", "keyword-only", "dense-only", "top-passage", "always-refuse"]
    assert [name for name in SYSTEMS if uses_model(name)] == ["dateline", "keyword-only", "dense-only"]
    with pytest.raises(InputError, match=r"There is no system 'oracle'; name one of dateline, .* with --system"):
        check_system("oracle")


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("asked", [ASKED, NEVER])
def test_every_system_keeps_the_contract_of_answers(library, system, asked):
    answer = system_ask(system, library, None, 10)(Question(asked))
    check_contract(answer.as_json(), library)
    assert answer.question == asked
    assert answer.library_generation == library.generation


@pytest.mark.parametrize(
    ("system", "mode"), [("dateline", "hybrid"), ("keyword-only", "keyword"), ("dense-only", "dense")]
)
def test_answering_systems_are_the_whole_system_with_one_search(library, system, mode):
    answer = system_ask(system, library, None, 3)(Question(ASKED))
    expected = ask(Question(ASKED), library, settings=AnswerSettings(k=3, mode=mode))
    assert without_times(answer) == without_times(expected)
    assert [hit.keyword_rank is not None for hit in answer.hits] == [mode != "dense"] * len(answer.hits)


def test_the_first_passage_is_given_word_for_word_and_cited_whole(library):
    answer = system_ask("top-passage", library, None, 10)(Question(ASKED))
    (first, *_) = library_search(library)(ASKED, SearchFilter(), "hybrid", 10)
    (citation,) = answer.citations
    assert (citation.article_id, citation.start, citation.end) == (
        first.passage.article_id,
        first.passage.start,
        first.passage.end,
    )
    assert citation.cited_text == first.passage.text
    # The "[1]" of the article is not a mark of the answer.
    assert answer.text == f"{first.passage.text.replace('[1]', '(1)')} [1]"
    assert (answer.confidence, answer.model, answer.refused) == (TOP_PASSAGE_CONFIDENCE, "top-passage", False)
    assert answer.hits[0] == first


def test_a_follow_up_is_understood_before_it_is_searched_for(library):
    history = (Turn("When was the silo in Tarrow built?", "In 1931."),)
    answer = system_ask("top-passage", library, None, 10)(Question("How much wheat did it hold?", history))
    assert answer.standalone_question != answer.question
    refused = system_ask("always-refuse", library, None, 10)(Question("How much wheat did it hold?", history))
    assert refused.standalone_question == answer.standalone_question


@pytest.mark.parametrize("system", ["top-passage", "always-refuse"])
def test_an_empty_question_is_an_error_for_all(library, system):
    with pytest.raises(QuestionError):
        system_ask(system, library, None, 10)(Question("  "))


def test_the_first_passage_is_refused_only_where_there_is_none(library, empty):
    system = system_ask("top-passage", library, None, 10)
    early = system(Question(ASKED, filter=SearchFilter(date_to=date(1950, 1, 1))))
    assert early.refusal is not None
    assert early.refusal.reason == "out_of_range"
    check_contract(early.as_json(), library)
    nothing = system_ask("top-passage", empty, None, 10)(Question(ASKED))
    assert nothing.refusal is not None
    assert nothing.refusal.reason == "empty_library"


def test_always_refuse_refuses(library):
    answer = system_ask("always-refuse", library, None, 10)(Question(ASKED))
    assert answer.refusal is not None
    assert (answer.confidence, answer.model, answer.citations, answer.hits) == (0.0, "always-refuse", (), ())


def test_a_language_model_writes_the_answers_of_all_that_answer(library):
    for system in ("dateline", "keyword-only", "dense-only"):
        model = ScriptedModel()
        assert system_ask(system, library, model, 10)(Question(ASKED)).model == model.name
        assert len(model.asked) == 1
    for system in ("top-passage", "always-refuse"):
        model = ScriptedModel()
        system_ask(system, library, model, 10)(Question(ASKED))
        assert model.asked == []


def test_a_model_that_fails_is_not_replaced_by_another_system(library):
    model = ScriptedModel(pieces=("The silo",), error=ModelError("openai:scripted went away; try again."))
    assert ask(Question(ASKED), library, generator=model).model == "extractive"
    with pytest.raises(DatelineError, match=r"^openai:scripted went away; try again\.$"):
        system_ask("dateline", library, model, 10)(Question(ASKED))


def test_a_model_without_a_word_is_an_error(library):
    with pytest.raises(ModelError, match="'openai:scripted' answered without a word"):
        system_ask("dateline", library, ScriptedModel(pieces=("[1]",)), 10)(Question(ASKED))


@pytest.mark.parametrize(("finish", "says"), [("length", "cut off at 700 tokens"), ("filtered", "by a filter")])
def test_an_answer_that_was_cut_short_is_a_failure_and_no_answer(library, finish, says):
    model = ScriptedModel(finish=finish)
    assert ask(Question(ASKED), library, generator=model).incomplete
    with pytest.raises(ModelError, match=rf"^The answer of 'openai:scripted' is not complete\. .*{says}"):
        system_ask("dateline", library, model, 10)(Question(ASKED))
    result = made_asker(library, ask=system_ask("dateline", library, model, 10)).run(QUESTION, gold_of(library))
    assert (result.answer, result.scores.contains) == (None, False)
    assert says in result.failure


def test_a_model_that_is_silent_is_left_at_once_when_the_run_is_stopped(library):
    stopped, left = threading.Event(), threading.Event()

    class SilentModel:
        name = "openai:silent"

        def generate(self, messages, *, max_tokens, stop=None):
            threading.Timer(0.05, stopped.set).start()
            assert stop.wait(5)
            left.set()
            return "stopped"
            yield

    with pytest.raises(DatelineError, match="interrupted"):
        system_ask("dateline", library, SilentModel(), 10, stopped)(Question(ASKED))
    assert left.is_set()


def test_a_refusal_that_needs_no_model_stays_one(library, empty):
    model = ScriptedModel()
    answer = system_ask("dateline", empty, model, 10)(Question(ASKED))
    assert answer.refused
    assert model.asked == []


def test_no_model_is_listened_to_after_the_run_was_stopped(library):
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(DatelineError, match="interrupted"):
        system_ask("dateline", library, ScriptedModel(), 10, stopped)(Question(ASKED))


@pytest.mark.parametrize(
    ("system", "generated", "answering", "passages"),
    [
        ("dateline", False, {"keyword_only", "dense_only"}, {"top_passage", "keyword_top_passage"}),
        ("dateline", True, {"keyword_only", "dense_only", "extractive"}, {"top_passage", "keyword_top_passage"}),
        ("keyword-only", False, {"dense_only"}, {"top_passage", "keyword_top_passage"}),
        ("keyword-only", True, {"keyword_only", "dense_only", "extractive"}, {"top_passage", "keyword_top_passage"}),
        ("dense-only", False, {"keyword_only"}, {"top_passage", "keyword_top_passage"}),
        ("top-passage", False, {"keyword_only", "dense_only"}, {"keyword_top_passage"}),
        ("always-refuse", False, {"keyword_only", "dense_only"}, {"top_passage", "keyword_top_passage"}),
    ],
)
def test_the_baseline_that_is_the_system_itself_is_left_out(system, generated, answering, passages):
    assert set(answering_baselines(system, generated=generated)) == answering
    assert set(passage_baselines(system)) == passages


def test_baselines_never_ask_a_language_model(library):
    asks = baseline_asks("dateline", library, 10, generated=True)
    assert {name: ask_baseline(Question(ASKED)).model for name, ask_baseline in asks.items()} == {
        "keyword_only": "extractive",
        "dense_only": "extractive",
        "extractive": "extractive",
    }


class CarelessEncoder(BagOfWordsEncoder):
    """Fails if two threads are in it at once."""

    inside = 0

    def encode(self, texts):
        with self:
            return super().encode(texts)

    def count_tokens(self, texts):
        with self:
            return super().count_tokens(texts)

    def __enter__(self):
        self.inside += 1
        assert self.inside == 1, "Already borrowed"
        time.sleep(0.001)

    def __exit__(self, *_):
        self.inside -= 1


def test_an_encoder_is_shared_by_threads_one_at_a_time():
    plain = CarelessEncoder()
    encoder: Encoder = share(plain)
    assert (encoder.name, encoder.digest) == (plain.name, plain.digest)
    assert (encoder.dimension, encoder.max_tokens) == (plain.dimension, plain.max_tokens)
    assert share(encoder) is encoder
    errors = []

    def use():
        try:
            for _ in range(10):
                assert np.array_equal(encoder.encode(["one word"]), BagOfWordsEncoder().encode(["one word"]))
                assert encoder.count_tokens(["one word"]) == [2]
        except AssertionError as error:
            errors.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


# One question, asked and scored.

QUESTION = EvalQuestion("q", ASKED, answers=("1931",))
GOLD = Gold(
    (ArticleSpan(SILO.article_id, SILO.text.index("The silo was"), len(SILO.text)),),
    frozenset(),
    {SILO.article_id: 1},
)


def made_asker(library, system="dateline", **changes):
    options = {"k": 10, "with_baselines": True, "checker": RuleChecker(), "judge": None}
    asked = changes.pop("ask", None) or system_ask(system, library, None, 10)
    baselines = changes.pop("baselines", None)
    if baselines is None:
        baselines = baseline_asks(system, library, 10, generated=False)
    search = changes.pop("search", None) or library_search(library)
    return Asker(library, system, asked, baselines, search, **{**options, **changes})


def gold_of(library):
    quote = GOLD.spans[0]
    passages = [p for p in library.passages(SILO.article_id) if p.start < quote.end and quote.start < p.end]
    return Gold(GOLD.spans, frozenset(passage.passage_id for passage in passages), GOLD.grades)


def test_one_question_is_answered_ranked_and_compared(library):
    result = made_asker(library).run(QUESTION, gold_of(library))
    assert result.failure is None
    assert result.scores.contains is True
    assert result.scores.citation_recall == 1.0
    assert set(result.rankings) == {"system", "keyword", "dense"}
    assert set(result.rankings["system"]["passage"]) == set(MEASURES)
    assert set(result.baselines) == {"keyword_only", "dense_only", "top_passage", "keyword_top_passage"}
    assert result.baselines["top_passage"].contains is True
    assert result.baselines["top_passage"].citation_recall == 1.0
    assert result.counts.citations == result.counts.exact_citations >= 1
    assert result.judgement is None


def test_a_ranking_that_is_the_systems_own_is_not_made_again(library):
    keyword = made_asker(library, "keyword-only").run(QUESTION, gold_of(library))
    assert set(keyword.rankings) == {"system", "dense"}
    dense = made_asker(library, "dense-only").run(QUESTION, gold_of(library))
    assert set(dense.rankings) == {"system", "keyword"}
    assert keyword.rankings["system"] == dense.rankings["keyword"]


def test_an_empty_system_has_an_empty_ranking(library):
    result = made_asker(library, "always-refuse").run(QUESTION, gold_of(library))
    assert result.refused
    values = {value for level in result.rankings["system"].values() for value in level.values()}
    assert values == {0.0}
    assert result.rankings["dense"]["article"]["Success@5"] == 1.0


def test_searches_are_made_once(library):
    made = []

    def search(query, limits, mode, depth):
        made.append((mode, depth))
        return library_search(library)(query, limits, mode, depth)

    made_asker(library, search=search).run(QUESTION, gold_of(library))
    assert sorted(made) == [(mode, depth) for mode in ("dense", "hybrid", "keyword") for depth in (10, 50)]
    made.clear()
    made_asker(library, search=search, k=5).run(QUESTION, gold_of(library))
    assert sorted(made) == [(mode, depth) for mode in ("dense", "hybrid", "keyword") for depth in (10, 50)]
    made.clear()
    made_asker(library, search=search, with_baselines=False, baselines={}).run(QUESTION, gold_of(library))
    assert made == [("hybrid", 50)]


def test_what_cannot_be_ranked_is_searched_for_passages_to_return_only(library):
    made = []

    def search(query, limits, mode, depth):
        made.append((mode, depth))
        return library_search(library)(query, limits, mode, depth)

    unanswerable = EvalQuestion("u", ASKED, answerable=False)
    for question, gold in ((unanswerable, gold_of(library)), (unanswerable, None), (QUESTION, None)):
        result = made_asker(library, search=search).run(question, gold)
        assert result.rankings == {}
        assert set(result.baselines) == {"keyword_only", "dense_only", "top_passage", "keyword_top_passage"}
    assert made == [("hybrid", 10), ("keyword", 10)] * 3


def test_the_top_passage_of_a_question_of_two_parts_is_that_of_one_search(library):
    question = replace(QUESTION, text=f"{ASKED.rstrip('?')}, and who runs the port?")
    searched = library_search(library)(question.text, SearchFilter(), "hybrid", 10)
    alone = made_asker(library, "top-passage").run(question, gold_of(library))
    beside = made_asker(library).run(question, gold_of(library))
    assert alone.answer["citations"][0]["cited_text"] == searched[0].passage.text
    assert beside.baselines["top_passage"] == alone.scores


def test_baselines_are_left_out_where_they_are_not_wanted(library):
    result = made_asker(library, with_baselines=False, baselines={}).run(QUESTION, gold_of(library))
    assert result.baselines == {}
    assert set(result.rankings) == {"system"}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModelError("the server is away"), "the server is away"),
        (ZeroDivisionError("oops"), "ZeroDivisionError: oops"),
        (MemoryError(), "MemoryError: "),
        (RecursionError("too deep"), "RecursionError: too deep"),
    ],
)
def test_an_error_of_the_system_is_recorded_and_scores_nothing(library, error, said):
    def fail(question):
        raise error

    result = made_asker(library, ask=fail).run(QUESTION, gold_of(library))
    assert (result.failure, result.answer) == (said, None)
    assert (result.scores.contains, result.scores.refused, result.scores.words) == (False, False, None)
    assert set(result.rankings["system"]["article"].values()) == {0.0}
    assert result.baselines["keyword_only"].contains is True, "the baselines are asked all the same"
    assert result.rankings["keyword"]["article"]["Success@1"] == 1.0


def test_an_interruption_is_no_failure_of_a_question(library):
    def interrupt(question):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_asker(library, ask=interrupt).run(QUESTION, None)


def test_errors_beside_the_answer_are_named_and_the_answer_counts(library):
    def fail(*_):
        raise ModelError("the index is away")

    searched = made_asker(library, search=fail, k=5).run(QUESTION, gold_of(library))
    assert searched.failure == "hybrid search: the index is away"
    assert searched.scores.contains is True
    assert set(searched.rankings["system"]["article"].values()) == {0.0}
    assert searched.baselines["top_passage"].refused is False
    baseline = made_asker(library, baselines={"dense_only": fail}).run(QUESTION, gold_of(library))
    assert baseline.failure == "baseline dense_only: the index is away"
    assert baseline.baselines["dense_only"].contains is False


def test_citations_that_cannot_be_checked_are_a_failure(library):
    class Broken:
        name = "broken"

        def supports(self, evidence, statement):
            raise ModelError("the NLI model is away")

    result = made_asker(library, checker=Broken()).run(QUESTION, gold_of(library))
    assert result.failure == "citations not checked: the NLI model is away"
    assert (result.scores.contains, result.scores.citation_recall) == (True, None)


@dataclass
class FakeJudge:
    error: Exception | None = None
    name: str = "openai:judge"
    judged: list[str] = field(default_factory=list)

    def judge(self, question, document):
        self.judged.append(document["answer"])
        time.sleep(0.01)
        if self.error is not None:
            raise self.error
        return Judgement(self.name, faithfulness=0.5)


def test_a_judge_gives_its_opinion_of_every_answer(library):
    judge = FakeJudge()
    result = made_asker(library, judge=judge).run(QUESTION, gold_of(library))
    assert result.judgement == Judgement("openai:judge", faithfulness=0.5)
    assert judge.judged == [result.answer["answer"]]
    assert result.seconds["judge"] >= 0.01


def test_a_judge_that_fails_fails_no_question(library):
    result = made_asker(library, judge=FakeJudge(ZeroDivisionError("x"))).run(QUESTION, gold_of(library))
    assert result.failure is None
    assert result.judgement == Judgement("openai:judge", failure="ZeroDivisionError: x")


def test_a_question_without_an_answer_is_not_judged(library):
    def fail(question):
        raise ModelError("away")

    judge = FakeJudge()
    assert made_asker(library, ask=fail, judge=judge).run(QUESTION, None).judgement is None
    assert judge.judged == []


def test_the_time_adds_up(library):
    def slow(question):
        time.sleep(0.05)
        return system_ask("dateline", library, None, 10)(question)

    started = time.perf_counter()
    result = made_asker(library, ask=slow).run(QUESTION, gold_of(library))
    wall = time.perf_counter() - started
    assert set(result.seconds) == {"system", "baselines", "harness"}
    assert sum(result.seconds.values()) == pytest.approx(wall, abs=0.005)
    assert result.seconds["system"] >= 0.05


def test_a_question_that_cannot_be_asked_at_all_is_a_failure(library):
    result = made_asker(library).run(EvalQuestion("q", "   ", answers=("x",)), None)
    assert result.failure == "The question is empty; write what you want to know."
    assert result.answer is None
