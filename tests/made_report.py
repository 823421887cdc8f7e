"""A made-up report with everything in it that a run can have. The harbour, its people and every number are invented."""

import math
from dataclasses import replace

from eval.types import (
    UNDEFINED,
    CurvePoint,
    EvalQuestion,
    EvalReport,
    Evidence,
    Figure,
    Judgement,
    Manifest,
    QuestionResult,
    ReliabilityBin,
    Scores,
)
from rag.types import Turn

MEASURES = ("nDCG@10", "RR@10", "R@5", "R@10", "R@50", "Success@1", "Success@5", "Success@10", "AP")
BASELINES = ("keyword_only", "dense_only", "top_passage", "keyword_top_passage", "always_refuse", "extractive")


def figure(value: float, n: int = 80) -> Figure:
    """A value with an interval of about the width that n gives, within 0..1 if the value is."""
    margin = 1.96 * math.sqrt(max(value * (1 - value), 0.02) / n) if value <= 1 else 0.1 * value
    high = value + margin
    return Figure(value, max(0.0, value - margin), min(1.0, high) if value <= 1 else high, n)


def document(text, *, refused=False, confidence=0.9, citations=(), closest=()):
    """An answer as `ask --json` prints it."""
    refusal = {"reason": "low_confidence", "message": text, "closest": list(closest)} if refused else None
    return {
        "question": "?",
        "standalone_question": "?",
        "answer": text,
        "refused": refused,
        "refusal": refusal,
        "confidence": confidence,
        "statements": [],
        "citations": list(citations),
        "passages": [],
        "model": "extractive",
        "library_generation": 3,
        "timings_ms": {"retrieval": 11.0, "evidence": 30.0, "total": 41.0},
    }


def citation(number, title, words):
    return {
        "number": number,
        "article_id": f"{number:032x}",
        "origin": f"/news/{title}.txt",
        "title": title,
        "source": "Harbour Post",
        "published": "2021-05-06",
        "url": None,
        "start_char_index": 0,
        "end_char_index": len(words),
        "cited_text": words,
        "prefix": "",
        "suffix": "",
    }


def hit(rank, words):
    return {"rank": rank, "passage_id": f"p{rank}", "article_id": "a" * 32, "score": 0.4, "text": words}


LEVY = EvalQuestion(
    id="levy-012",
    text="By how much did the harbour board raise the levy on grain barges in May 2021?",
    answers=("12 cents a tonne", "12 cents"),
    evidence=(
        Evidence("levy.txt", "The board voted on Thursday to raise the levy on grain barges by 12 cents a tonne."),
    ),
    type="numbers",
)
DREDGING = EvalQuestion(
    id="dredge-003",
    text="Which judge halted the dredging of the northern channel, and until when?",
    answers_all=("Holm", "1 September"),
    evidence=(
        Evidence("court.txt", "Judge Holm halted the dredging of the northern channel."),
        Evidence("court-2.txt", "The order stands until 1 September, when the hearing resumes."),
    ),
    type="several parts",
    history=(Turn("Who sued the port?", "Marsh Fisheries."),),
)
MOON = EvalQuestion(
    id="premise-007",
    text="Why did Captain Brandt resign from the pilots' guild?",
    answerable=False,
    type="false premise",
)
SAID = EvalQuestion(
    id="said-021",
    text="What did Simms say about the ferry contract after the vote?",
    answers=("a gift to the ferrymen",),
    evidence=(Evidence("ferry.txt", "Simms called the contract “a gift to the ferrymen” after the vote."),),
    type="who said what",
)
LONG = EvalQuestion(
    id="long-001",
    text="How has the port's position on night sailing changed?",
    reference="The port first banned night sailing in 2018, allowed it for pilots in 2020 and for all from 2022 on.",
    evidence=(Evidence("night.txt", None, 2),),
    type="change over time",
)
ASLEEP = EvalQuestion(id="said-030", text="Who called the plan a folly?", answers=("Marsh",), type="who said what")
RIGHT = EvalQuestion(id="said-001", text="Who runs the ferry?", answers=("the Holm brothers",), type="who said what")


def rankings(passage, article):
    """Rankings in which every measure has the value that RR@10 has."""
    levels = {"passage": dict.fromkeys(MEASURES, passage), "article": dict.fromkeys(MEASURES, article)}
    return {"system": levels, "keyword": levels, "dense": levels}


PASSAGE_FIRST = rankings(1 / 3, 1.0)
PASSAGE_MISSED = rankings(0.0, 0.5)


def made_results():
    """One result of every kind that there is, and others that are right."""
    right = QuestionResult(
        RIGHT,
        document("The Holm brothers run the ferry. [1]"),
        None,
        Scores(answerable=True, refused=False, contains=True),
    )
    return (
        *(replace(right, question=replace(RIGHT, id=f"right-{number:03}")) for number in range(93)),
        QuestionResult(
            RIGHT,
            document("The Holm brothers run the ferry. [1]", confidence=0.93),
            None,
            Scores(answerable=True, refused=False, contains=True, f1=0.8, gold_quote=True, gold_article=True, words=6),
            judgement=Judgement("openai:judge-model", 1.0, 0.9, 1.0),
        ),
        QuestionResult(
            SAID,
            document(
                "Simms said the harbour board would look at every bid again. [1]",
                confidence=0.71,
                citations=[
                    citation(1, "Board looks at bids again", "Simms said the board would look at every bid again.")
                ],
            ),
            None,
            Scores(
                answerable=True,
                refused=False,
                contains=False,
                f1=0.12,
                gold_quote=False,
                gold_article=False,
                citation_recall=1.0,
                words=11,
            ),
            rankings=PASSAGE_MISSED,
        ),
        QuestionResult(
            LEVY,
            document(
                "The levy was raised by 15 cents a tonne in March. [1] The board voted in May. [2]",
                confidence=0.88,
                citations=[
                    citation(1, "Levy up in March", "In March the levy had gone up by 15 cents a tonne."),
                    citation(2, "Board votes on levy", "The board voted on Thursday to raise the levy"),
                ],
            ),
            None,
            Scores(
                answerable=True,
                refused=False,
                contains=False,
                f1=0.41,
                gold_quote=True,
                gold_article=True,
                citation_recall=0.5,
                words=15,
            ),
            rankings=PASSAGE_FIRST,
        ),
        QuestionResult(
            MOON,
            document(
                "Captain Brandt resigned over the new rules for pilots. [1]",
                confidence=0.64,
                citations=[citation(1, "New rules for pilots", "The new rules for pilots were drawn up by Brandt.")],
            ),
            None,
            Scores(answerable=False, refused=False, citation_recall=0.0, words=8),
        ),
        QuestionResult(
            DREDGING,
            document(
                "The articles do not say.",
                refused=True,
                confidence=0.22,
                closest=[hit(1, "Judge Holm halted the dredging of the northern channel."), hit(2, "Dredging costs.")],
            ),
            None,
            Scores(answerable=True, refused=True, contains=False, f1=0.0, gold_quote=False, gold_article=False),
            rankings=PASSAGE_FIRST,
        ),
        QuestionResult(
            LONG,
            document("Night sailing is banned. [1]", confidence=0.6, citations=[citation(1, "Night", "It is banned.")]),
            None,
            Scores(answerable=True, refused=False, rouge_l=0.21, gold_article=True, words=4),
        ),
        QuestionResult(
            ASLEEP,
            None,
            "The model 'openai:small' did not answer within 60 seconds.",
            Scores(answerable=True, refused=False, contains=False, f1=0.0),
        ),
    )


def made_report(**changes) -> EvalReport:
    """A report of 100 questions' figures, with the results of `made_results`."""

    def ranked(base):
        return {name: figure(max(base - 0.03 * index, 0.05)) for index, name in enumerate(MEASURES)}

    def answers(base):
        return {
            "contains": figure(base),
            "exact_match": figure(base / 4),
            "f1": figure(base * 0.7),
            "rouge_l": figure(base * 0.75),
            "mean_words": Figure(23.4, 21.2, 25.9, 72),
        }

    def refusals(rejected, false_rate):
        return {"rejected": figure(rejected, 20), "false_rate": figure(false_rate)}

    def beside(base, rejected, false_rate):
        cited = {"gold_quote": figure(base * 0.95), "gold_article": figure(min(base * 1.05, 1.0))}
        return {**answers(base), **cited, **refusals(rejected, false_rate)}

    report = EvalReport(
        manifest=Manifest(
            version="0.3.0",
            commit="0f3c9a1b22d4",
            command="dateline eval run sets/harbour.jsonl --articles articles --out runs/harbour",
            set_path="sets/harbour.jsonl",
            set_format="dateline",
            set_sha256="5d41402abc4b2a76b9719d911017c592" * 2,
            questions=100,
            library_path="/data/harbour-library",
            library_generation=3,
            library_sha256="7d793037a0760186574b0282f2f435e7" * 2,
            articles=240,
            passages=3125,
            encoder="all-MiniLM-L6-v2",
            encoder_digest="53aa5117" * 8,
            model="extractive",
            system="dateline",
            settings={"k": 10, "mode": "hybrid", "use_as_of": True, "checker": "rules"},
            seed=20170603,
            started="2026-11-22T05:17:00+00:00",
            machine={"system": "Linux 6.1", "processor": "x86_64", "cores": 8, "python": "3.11.9", "jobs": 1},
            packages={"torch": "2.9.0", "numpy": "2.4.6", "ir-measures": "0.4.1", "faiss-cpu": "1.15.1"},
        ),
        ignored_fields={"difficulty": 12},
        retrieval={"article": ranked(0.93), "passage": ranked(0.84)},
        answers={
            **answers(0.9125),
            "no_answer": figure(0.85, 20),
            "overall_exact_match": figure(0.4, 100),
            "overall_f1": figure(0.67, 100),
        },
        citations={
            "exactness": figure(1.0, 131),
            "recall": figure(0.94, 86),
            "precision": figure(0.91, 86),
            "gold_quote": figure(0.86),
            "gold_overlap": figure(0.81),
            "gold_article": figure(0.95),
            "statements_cited": figure(1.0, 131),
            "mean_citations": Figure(1.52, 1.4, 1.66, 86),
            "contains": figure(0.9125),
            "mean_words": Figure(23.4, 21.2, 25.9, 86),
        },
        refusals={
            **refusals(0.85, 0.0375),
            "auroc": figure(0.92, 100),
            "aurc": figure(0.048, 86),
            "coverage_at_5_risk": figure(0.6, 100),
            "ece": figure(0.062, 86),
            "coverage": figure(0.86, 100),
        },
        by_type={
            name: {
                "contains": figure(value, n) if n else UNDEFINED,
                "f1": figure(value * 0.7, n) if n else UNDEFINED,
                "rouge_l": UNDEFINED,
                "gold_quote": figure(value * 0.9, n) if n else UNDEFINED,
                "gold_article": figure(value * 0.98, n) if n else UNDEFINED,
                "rejected": UNDEFINED if n else figure(0.85, 20),
                "false_rate": figure(0.05, n) if n else UNDEFINED,
                "nDCG@10": figure(value * 0.92, n) if n else UNDEFINED,
            }
            for name, value, n in (
                ("change over time", 0.72, 14),
                ("false premise", 0.0, 0),
                ("numbers", 0.95, 22),
                ("several parts", 0.8, 10),
                ("who said what", 0.97, 34),
            )
        },
        type_sizes={
            "change over time": 14,
            "false premise": 20,
            "numbers": 22,
            "several parts": 10,
            "who said what": 34,
        },
        baselines={
            "keyword_only": beside(0.85, 0.8, 0.05),
            "dense_only": beside(0.775, 0.75, 0.075),
            "top_passage": beside(0.7875, 0.0, 0.0),
            "keyword_top_passage": beside(0.7, 0.0, 0.0),
            "always_refuse": {**beside(0.0, 1.0, 1.0), "mean_words": UNDEFINED},
            "extractive": beside(0.88, 0.85, 0.04),
        },
        baseline_retrieval={
            "keyword_only": {"article": ranked(0.9), "passage": ranked(0.8)},
            "dense_only": {"article": ranked(0.88), "passage": ranked(0.74)},
        },
        timings_ms={
            "question": {"p50": Figure(0.4, 0.3, 0.5, 100), "p95": Figure(0.9, 0.7, 1.9, 100)},
            "retrieval": {"p50": Figure(11.3, 10.9, 11.9, 100), "p95": Figure(19.2, 17.1, 26.0, 100)},
            "evidence": {"p50": Figure(28.4, 26.0, 31.2, 100), "p95": Figure(61.5, 52.8, 88.1, 100)},
            "answer": {"p50": Figure(1.8, 1.7, 2.0, 100), "p95": Figure(4.4, 3.9, 6.2, 100)},
            "total": {"p50": Figure(42.6, 40.0, 45.5, 100), "p95": Figure(84.0, 71.9, 115.0, 100)},
        },
        judge={
            "faithfulness": figure(0.93, 86),
            "relevancy": figure(0.88, 86),
            "nuggets": figure(0.84, 80),
            "failed": figure(0.02, 86),
            "nuggets_agree_contains": figure(0.91, 78),
            "nuggets_kappa_contains": Figure(0.62, 0.41, 0.8, 78),
        },
        risk_coverage=tuple(
            CurvePoint(i / 100, max(0.0, 0.17 * ((i - 30) / 56) ** 2) if i > 30 else 0.0, 1 - i / 110)
            for i in range(1, 87)
        ),
        reliability=(
            ReliabilityBin(0.4, 0.5, 6, 0.46, 0.5),
            ReliabilityBin(0.5, 0.6, 9, 0.56, 4 / 9),
            ReliabilityBin(0.6, 0.7, 11, 0.65, 8 / 11),
            ReliabilityBin(0.7, 0.8, 14, 0.76, 12 / 14),
            ReliabilityBin(0.8, 0.9, 19, 0.86, 17 / 19),
            ReliabilityBin(0.9, 1.0, 27, 0.95, 27 / 27),
        ),
        seconds={"system": 4.61, "baselines": 9.32, "judge": 61.8, "harness": 0.21},
        clusters=None,
        results=made_results(),
    )
    return replace(report, **changes)


def empty_report() -> EvalReport:
    """A report of a run without questions: every figure is undefined, every list empty."""
    full = made_report()

    def undefined(figures):
        return dict.fromkeys(figures, UNDEFINED)

    return replace(
        full,
        ignored_fields={},
        retrieval={level: undefined(figures) for level, figures in full.retrieval.items()},
        answers=undefined(full.answers),
        citations=undefined(full.citations),
        refusals=undefined(full.refusals),
        by_type={},
        type_sizes={},
        baselines={},
        baseline_retrieval={},
        timings_ms={},
        judge={},
        risk_coverage=(),
        reliability=(),
        seconds={},
        results=(),
    )
