"""Whole runs over a library and a system that are exact fakes, with every figure worked by hand."""

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from eval.report import report_json, report_text, worst_results
from eval.runner import run_set
from eval.types import UNDEFINED
from index.errors import ArticleNotFoundError, InputError, ModelError, QuestionSetError
from index.types import Article, Hit, Metadata, Passage
from rag.types import Answer, Citation, Question, Refusal, Statement

MEASURES = {"nDCG@10", "RR@10", "R@5", "R@10", "Success@1", "Success@5"}


@dataclass
class FakeLibrary:
    """Articles whose passages are their lines. Dense search finds the lines in order, keyword search in reverse."""

    texts: dict[str, str]
    path: Path = Path("fake-library")
    generation: int = 3
    by_id: dict[str, Article] = field(init=False)

    def __post_init__(self):
        made = [Article.from_text(text, Metadata(title=name), f"/news/{name}") for name, text in self.texts.items()]
        self.by_id = {article.article_id: article for article in made}

    def find_article(self, name):
        return next((a.article_id for a in self.by_id.values() if name in (a.origin, Path(a.origin).name)), None)

    def article(self, article_id):
        if article_id not in self.by_id:
            raise ArticleNotFoundError(f"no article {article_id!r}")
        return self.by_id[article_id]

    def passages(self, article_id):
        found, start = [], 0
        for number, line in enumerate(self.article(article_id).text.split("\n")):
            end = start + len(line)
            found.append(Passage(f"{article_id}-{number}", article_id, start, end, line, ""))
            start = end + 1
        return found

    def search(self, query, limits, mode):
        found = [passage for article_id in self.by_id for passage in self.passages(article_id)]
        ordered = found[::-1] if mode == "keyword" else found
        return [Hit(passage, rank, 1.0 / rank) for rank, passage in enumerate(ordered, start=1)]

    def cite(self, number, name, words):
        article = self.article(self.find_article(name))
        start = article.text.index(words)
        end = start + len(words)
        return Citation(number, article.article_id, article.origin, name, None, None, None, start, end, words, "", "")


@dataclass
class ScriptedSystem:
    """Answers by the question's text; an exception is raised. Keeps what it was asked."""

    script: dict[str, Answer | Exception]
    asked: list[Question] = field(default_factory=list)

    def __call__(self, question):
        self.asked.append(question)
        outcome = self.script[question.text]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def answered(text, *citations, confidence=0.9, timings=None, standalone="?"):
    statements = (Statement(text, tuple(citation.number for citation in citations), "verbatim"),)
    return Answer("?", standalone, text, None, confidence, statements, citations, (), "fake", 3, timings or {})


def refused(confidence=0.1):
    refusal = Refusal("low_confidence", "The articles do not say.", ())
    return Answer("?", "?", refusal.message, refusal, confidence, (), (), (), "fake", 3, {})


@pytest.fixture
def library():
    return FakeLibrary(
        {
            "levy.txt": "Simms set the levy at 12 cents.\nBrandt called it theft.",
            "court.txt": "Judge Holm halted the dredging.\nMarsh won the case.",
        }
    )


@pytest.fixture
def write_set(tmp_path):
    def write(*records):
        path = tmp_path / "set.jsonl"
        path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
        return path

    return write


def fact(name, question, answer, article, quote, **more):
    evidence = [{"article": article, "quote": quote}]
    return {"id": name, "question": question, "answers": [answer], "evidence": evidence, "type": "fact", **more}


RATE = fact("rate", "How high?", "12 cents", "levy.txt", "Simms set the levy at 12 cents.")
WINNER = fact("winner", "Who won?", "Marsh", "/news/court.txt", "Marsh won the case.")
MOON = {"id": "moon", "question": "Who is on the moon?", "answerable": False, "type": "off-topic"}
SUN = {"id": "sun", "question": "Who is on the sun?", "answerable": False, "type": "off-topic"}


def run(path, library, script, **more):
    return run_set(path, library, ask=ScriptedSystem(script), search=library.search, **more)


def test_a_perfect_system_scores_one(library, write_set):
    script = {
        "How high?": answered("It is 12 cents. [1]", library.cite(1, "levy.txt", "set the levy at 12 cents")),
        "Who is on the moon?": refused(),
    }
    report = run(write_set(RATE, MOON), library, script)
    assert report.failures == ()
    assert {figure.value for level in report.retrieval.values() for figure in level.values()} == {1.0}
    assert report.answers["contains"].value == 1.0
    assert report.answers["mean_words"].value == 4.0
    assert report.answers["f1"].value == pytest.approx(2 * 2 / (4 + 2))
    assert {name: figure.value for name, figure in report.citations.items()} == {
        "exactness": 1.0,
        "gold_quote": 1.0,
        "gold_article": 1.0,
        "statements_cited": 1.0,
        "mean_citations": 1.0,
    }
    assert {name: figure.value for name, figure in report.refusals.items()} == {
        "rejected": 1.0,
        "false_rate": 0.0,
        "auroc": 1.0,
        "ece": pytest.approx(0.1),
        "coverage": 0.5,
    }


def test_every_figure_of_a_mixed_run_by_hand(library, write_set):
    wrong_place = library.cite(1, "court.txt", "Judge Holm halted the dredging.")
    misquoted = Citation(**{**citation_fields(library.cite(2, "levy.txt", "Brandt")), "cited_text": "Brand"})
    script = {
        "How high?": answered("12 cents [1] [2]", wrong_place, misquoted, confidence=0.8, timings={"search": 10.0}),
        "Who won?": refused(confidence=0.3),
        "Who is on the moon?": answered("Nobody [1]", wrong_place, confidence=0.6, timings={"search": 30.0}),
        "Who is on the sun?": refused(confidence=0.2),
    }
    report = run(write_set(RATE, WINNER, MOON, SUN), library, script)
    values = {
        name: (figure.value, figure.n)
        for figures in (report.answers, report.citations, report.refusals)
        for name, figure in figures.items()
    }
    assert values == {
        "contains": (0.5, 2),
        "f1": (0.5, 2),
        "mean_words": (1.5, 2),
        "exactness": (pytest.approx(2 / 3), 3),
        "gold_quote": (0.0, 2),
        "gold_article": (0.5, 2),
        "statements_cited": (1.0, 2),
        "mean_citations": (1.5, 2),
        "rejected": (0.5, 2),
        "false_rate": (0.5, 2),
        # Answerable 0.8, 0.3 against unanswerable 0.6, 0.2: three of four pairs in order.
        "auroc": (0.75, 4),
        # 0.8 and right, 0.6 and wrong: (0.2 + 0.6) / 2.
        "ece": (pytest.approx(0.4), 2),
        "coverage": (0.5, 4),
    }
    # The fake search returns the four lines in order: gold passages at ranks 1 and 4, gold articles at 1 and 2.
    assert report.retrieval["passage"]["RR@10"].value == pytest.approx((1 + 1 / 4) / 2)
    assert report.retrieval["article"]["RR@10"].value == pytest.approx((1 + 1 / 2) / 2)
    assert report.baseline_retrieval["keyword_retrieval"]["passage"]["Success@1"].value == 0.5
    assert report.timings_ms["search"]["p50"].value == 10.0
    assert report.timings_ms["search"]["p95"].value == 30.0


def citation_fields(citation):
    return {name: getattr(citation, name) for name in Citation.__dataclass_fields__}


def test_baselines_answer_with_the_first_passage_of_their_search(library, write_set):
    script = {"How high?": refused(), "Who is on the moon?": refused()}
    report = run(write_set(RATE, MOON), library, script)
    figures = {name: {key: figure.value for key, figure in found.items()} for name, found in report.baselines.items()}
    top = {
        "contains": 1.0,
        "f1": pytest.approx(2 * 2 / (6 + 2)),
        "gold_quote": 1.0,
        "gold_article": 1.0,
        "mean_words": 7.0,
    }
    assert figures["top_passage"] == {**top, "rejected": 0.0, "false_rate": 0.0}
    assert figures["keyword_top_passage"]["contains"] == 0.0
    assert figures["keyword_top_passage"]["gold_quote"] == 0.0
    nothing = {"contains": 0.0, "f1": 0.0, "gold_quote": 0.0, "gold_article": 0.0, "mean_words": None}
    assert figures["always_refuse"] == {**nothing, "rejected": 1.0, "false_rate": 1.0}


@pytest.mark.parametrize(
    ("error", "said"),
    [(ModelError("the server is away"), "the server is away"), (ZeroDivisionError("oops"), "ZeroDivisionError: oops")],
)
def test_a_question_that_fails_scores_zero_and_does_not_end_the_run(library, write_set, error, said):
    good = answered("12 cents [1]", library.cite(1, "levy.txt", "Simms set the levy at 12 cents."))
    script = {"Who won?": error, "Who is on the moon?": error, "How high?": good, "Who is on the sun?": refused()}
    report = run(write_set(WINNER, MOON, RATE, SUN), library, script)
    assert [(result.question.id, result.failure) for result in report.failures] == [("winner", said), ("moon", said)]
    assert report_json(report)["failures"] == [{"id": "winner", "error": said}, {"id": "moon", "error": said}]
    assert (report.answers["contains"].value, report.answers["contains"].n) == (0.5, 2)
    assert (report.refusals["rejected"].value, report.refusals["false_rate"].value) == (0.5, 0.0)
    assert (report.retrieval["passage"]["RR@10"].value, report.retrieval["passage"]["RR@10"].n) == (0.5, 2)
    assert report.citations["gold_quote"].value == 0.5
    # A failure is the worst its side can have: answerable 0 and 0.9 against unanswerable 1 and 0.1.
    assert report.refusals["auroc"].value == pytest.approx(0.25)
    assert report.baseline_retrieval["dense_retrieval"]["article"]["RR@10"].value == pytest.approx(0.75)


def test_a_search_that_fails_is_a_failure_and_the_answer_still_counts(library, write_set):
    def search(query, limits, mode):
        raise ModelError("the index is away")

    system = ScriptedSystem({"How high?": answered("12 cents")})
    report = run_set(write_set(RATE), library, ask=system, search=search)
    assert [result.failure for result in report.failures] == ["the index is away"]
    assert report.answers["contains"].value == 1.0
    assert report.retrieval["passage"]["nDCG@10"].value == 0.0
    assert report.baselines["top_passage"]["contains"].value == 0.0


def test_an_interrupt_ends_the_run(library, write_set):
    def ask(question):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_set(write_set(RATE), library, ask=ask, search=library.search)


def test_history_and_date_reach_the_system_and_the_search(library, write_set):
    turn = {"question": "Who sued?", "answer": "Marsh."}
    system = ScriptedSystem({"Who won?": answered("Marsh", standalone="Who won the case?")})
    searched = []

    def search(query, limits, mode):
        searched.append((query, limits.date_to, mode))
        return library.search(query, limits, mode)

    run_set(write_set({**WINNER, "history": [turn], "as_of": "2022-09-22"}), library, ask=system, search=search)
    (asked,) = system.asked
    assert [(turn.question, turn.answer) for turn in asked.history] == [("Who sued?", "Marsh.")]
    assert asked.filter.date_to == date(2022, 9, 22)
    assert searched == [("Who won the case?", date(2022, 9, 22), mode) for mode in ("hybrid", "keyword", "dense")]


def test_evidence_is_checked_before_anything_is_asked(library, write_set):
    gone = fact("gone", "Q1?", "x", "gone.txt", "x")
    altered = fact("altered", "Q2?", "x", "levy.txt", "Simms set the levy at 13 cents.")
    system = ScriptedSystem({})
    with pytest.raises(QuestionSetError) as caught:
        run_set(write_set(RATE, gone, altered), library, ask=system, search=library.search)
    message = str(caught.value)
    assert "question 'gone': no single article is named 'gone.txt'" in message
    assert "question 'altered': article 'levy.txt' does not hold 'Simms set the levy at 13 cents.'" in message
    assert "dateline index FOLDER --library 'fake-library'" in message
    assert "rate" not in message
    assert system.asked == []


def test_quotes_are_matched_after_normalisation_and_everywhere(write_set):
    library = FakeLibrary({"a.txt": "Caf\u00e9 closed.\nOther.\nCaf\u00e9 closed."})
    record = fact("q", "What?", "Caf\u00e9", "a.txt", "Cafe\u0301 closed.")
    report = run(write_set(record), library, {"What?": answered("x", library.cite(1, "a.txt", "Other."))})
    assert report.baselines["keyword_top_passage"]["gold_quote"].value == 1.0
    # Two of three passages hold the quote; the first and the last of the ranking.
    assert report.retrieval["passage"]["R@5"].value == 1.0
    assert report.citations["gold_quote"].value == 0.0


def test_results_and_report_are_written(library, write_set, tmp_path):
    script = {
        "How high?": answered("12 cents \ud83d [1]", library.cite(1, "levy.txt", "12 cents")),
        "Who won?": ModelError("away"),
        "Who is on the moon?": refused(),
    }
    out = tmp_path / "runs" / "one"
    progress = []
    report = run(
        write_set(RATE, {**WINNER, "level": 3}, MOON),
        library,
        script,
        out=out,
        system="fake:1",
        on_progress=lambda done, total: progress.append((done, total)),
    )
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["rate", "winner", "moon"]
    assert lines[0]["answer"] == script["How high?"].as_json()
    assert (lines[0]["type"], lines[0]["answerable"], lines[0]["failure"]) == ("fact", True, None)
    assert lines[0]["scores"]["contains"] is True
    assert lines[0]["scores"]["citations"] == 1
    assert set(lines[0]["scores"]["rankings"]["hybrid"]["passage"]) == MEASURES
    assert (lines[1]["answer"], lines[1]["failure"]) == (None, "away")
    assert lines[2]["scores"]["refused"] is True
    assert lines[2]["scores"]["rankings"] == {}
    assert json.loads((out / "report.json").read_text(encoding="utf-8")) == report_json(report)
    assert progress == [(1, 3), (2, 3), (3, 3)]
    assert report.model == "fake:1"


def test_lines_written_before_the_end_are_there(library, write_set, tmp_path):
    seen = []

    def on_progress(done, total):
        seen.append(len((tmp_path / "out" / "results.jsonl").read_text(encoding="utf-8").splitlines()))

    script = {"How high?": refused(), "Who won?": refused()}
    run(write_set(RATE, WINNER), library, script, out=tmp_path / "out", on_progress=on_progress)
    assert seen == [1, 2]


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_asked(library, write_set, tmp_path):
    (tmp_path / "file").write_text("")
    system = ScriptedSystem({})
    with pytest.raises(InputError, match=r"cannot be written to .*name a folder with --out"):
        run_set(write_set(RATE), library, ask=system, search=library.search, out=tmp_path / "file")
    assert system.asked == []


def test_the_json_document_has_the_sections_of_the_contract(library, write_set):
    path = write_set(RATE, {**MOON, "level": 1, "note": "x"}, {**SUN, "level": 2})
    script = {"How high?": refused(), "Who is on the moon?": refused(), "Who is on the sun?": answered("x")}
    document = report_json(run(path, library, script))
    assert json.loads(json.dumps(document)) == document
    assert list(document) == [
        "set",
        "set_sha256",
        "model",
        "library_generation",
        "n",
        "ignored_fields",
        "retrieval",
        "answers",
        "citations",
        "refusals",
        "by_type",
        "baselines",
        "timings_ms",
        "failures",
    ]
    assert (document["set"], document["n"], document["model"]) == (str(path), 3, "extractive")
    assert document["library_generation"] == 3
    assert document["ignored_fields"] == {"level": 2, "note": 1}
    assert set(document["retrieval"]) == {"article", "passage"}
    assert document["refusals"]["rejected"] == {
        "value": 0.5,
        "low": pytest.approx(0.0945, abs=1e-4),
        "high": pytest.approx(0.9055, abs=1e-4),
        "n": 2,
    }
    assert set(document["baselines"]) == {
        "top_passage",
        "keyword_top_passage",
        "always_refuse",
        "keyword_retrieval",
        "dense_retrieval",
    }
    assert document["by_type"]["off-topic"]["n"] == 2
    assert document["by_type"]["off-topic"]["rejected"]["value"] == 0.5
    assert document["by_type"]["off-topic"]["contains"] == UNDEFINED.as_json()
    assert document["by_type"]["fact"]["false_rate"]["value"] == 1.0


def test_a_run_repeats_to_the_last_digit(library, write_set):
    path = write_set(RATE, WINNER, MOON)
    script = {"How high?": answered("12 cents"), "Who won?": refused(), "Who is on the moon?": refused()}
    assert report_json(run(path, library, script)) == report_json(run(path, library, script))


def test_the_text_lists_figures_baselines_types_and_the_worst_questions(library, write_set):
    script = {
        "How high?": answered("9\x1b[31m cents", confidence=0.7, timings={"search": 12.0}),
        "Who won?": refused(),
        "Who is on the moon?": answered("Nobody", confidence=0.95),
        "Who is on the sun?": refused(),
    }
    report = run(write_set(RATE, WINNER, MOON, {**SUN, "level": 1}), library, script)
    lines = report_text(report).split("\n")
    assert lines[0].endswith("set.jsonl: 4 questions, model extractive, library generation 3, 0 failed")
    assert "Fields that the format does not have were ignored: 'level' (1)" in lines
    answers = next(i for i, line in enumerate(lines) if line.startswith("Answers"))
    assert lines[answers].split("  ")[-1].strip() == "always refuse"
    row = lines[answers + 1].split()
    assert row == ["holds", "an", "accepted", "answer", "0.000", "0.000", "to", "0.658", "2", "0.500", "0.500", "0.000"]
    assert len(lines[answers]) == len(lines[answers + 1])
    passages = next(i for i, line in enumerate(lines) if line.startswith("Retrieval of passages"))
    assert lines[passages].endswith("keyword only  dense only")
    assert any(line.split() == ["search", "12.0", "12.0"] for line in lines)
    assert any(line.startswith("  off-topic") and line.split()[1] == "2" for line in lines)
    assert [result.question.id for result in worst_results(report.results)] == ["moon", "rate", "winner"]
    listed = lines[lines.index("Questions to look at first") + 1 :]
    assert listed[:3] == [
        "  moon  (answered, should be refused, confidence 0.95)",
        "    Q  Who is on the moon?",
        "    A  Nobody",
    ]
    assert "  winner  (refused, is answerable, confidence 0.10)" in listed
    assert "\x1b" not in "\n".join(lines)


def test_at_most_ten_of_the_worst_are_listed(library, write_set):
    records = [{**MOON, "id": f"moon-{number}"} for number in range(14)]
    report = run(write_set(*records), library, {"Who is on the moon?": answered("Nobody")})
    assert report_text(report).count("answered, should be refused") == 10


def test_a_run_without_errors_lists_none(library, write_set):
    report = run(write_set(MOON), library, {"Who is on the moon?": refused()})
    assert "look at first" not in report_text(report)
    assert report.answers["contains"] == UNDEFINED
    assert report.refusals["auroc"] == UNDEFINED
