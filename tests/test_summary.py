"""The figures of a run, from made results: perfect, empty and shuffled systems, clusters, baselines, and no results."""

from dataclasses import replace
from statistics import fmean

import pytest

from eval.citation_support import RuleChecker, score_support
from eval.metrics import answer_text, cited_spans, count_citations, score_answer
from eval.rankings import LEVELS, MEASURES
from eval.statistics import rate_of
from eval.summary import summarise
from eval.types import (
    UNDEFINED,
    ArticleSpan,
    CurvePoint,
    EvalQuestion,
    Gold,
    Judgement,
    Manifest,
    QuestionResult,
    ReliabilityBin,
)
from index.types import Article, Metadata

PLACES = "Aldford Benwick Corsham Dunmere Elstow Farnley Grafton Hexby Ilmer Jarrow Kelby Lowick".split()
SENTENCES = [f"The council of {place} sold {number + 20} boats in spring." for number, place in enumerate(PLACES)]
ARTICLES = [
    Article.from_text(f"{sentence} It rained.", Metadata(title=f"News of {place}"), f"{place}.txt")
    for place, sentence in zip(PLACES, SENTENCES, strict=True)
]
BY_ID = {article.article_id: article for article in ARTICLES}
ANSWERABLE = len(PLACES)
UNANSWERABLE = 4
ANSWER_FIGURES = (
    "contains exact_match f1 rouge_l no_answer overall_exact_match overall_f1 mean_words".split(),
    "exactness recall precision gold_quote gold_overlap gold_article statements_cited mean_citations contains "
    "mean_words".split(),
    "rejected false_rate auroc aurc coverage_at_5_risk ece coverage".split(),
)


def made_manifest(seed=20_170_603):
    return Manifest(
        version="0.1.0",
        commit=None,
        command="dateline eval run made.jsonl",
        set_path="made.jsonl",
        set_format="dateline",
        set_sha256="0" * 64,
        questions=0,
        library_path="library",
        library_generation=1,
        library_sha256="1" * 64,
        articles=ANSWERABLE,
        passages=ANSWERABLE,
        encoder="bag-of-words",
        encoder_digest="2" * 64,
        model="extractive",
        system="dateline",
        settings={},
        seed=seed,
        started="2024-01-01T00:00:00Z",
        machine={},
        packages={},
    )


def question_of(number, **fields):
    if number >= ANSWERABLE:
        return EvalQuestion(f"q{number}", "Who sold the moon?", answerable=False, **fields)
    return EvalQuestion(f"q{number}", f"What of {PLACES[number]}?", answers=(SENTENCES[number],), **fields)


def gold_of(number):
    if number >= ANSWERABLE:
        return None
    article = ARTICLES[number]
    return Gold((ArticleSpan(article.article_id, 0, len(SENTENCES[number])),), frozenset(), {article.article_id: 1})


def document_of(number, confidence):
    """An answer that says and cites the sentence of an article."""
    article, text = ARTICLES[number], SENTENCES[number]
    citation = {
        "number": 1,
        "article_id": article.article_id,
        "title": article.title,
        "source": None,
        "published": None,
        "start_char_index": 0,
        "end_char_index": len(text),
        "cited_text": text,
    }
    return {
        "answer": f"{text} [1]",
        "refused": False,
        "confidence": confidence,
        "statements": [{"text": text, "citations": [1]}],
        "citations": [citation],
        "timings_ms": {"retrieval": 4.0, "total": 10.0 + number},
    }


def refusal(confidence):
    return {
        "answer": "The articles do not say.",
        "refused": True,
        "confidence": confidence,
        "statements": [],
        "citations": [],
        "timings_ms": {"total": 5.0},
    }


def result_of(number, document, question=None, rankings=None, **fields):
    """The result of a question as a run makes it; without a document, of one that failed."""
    question = question or question_of(number)
    text = None if document is None or document["refused"] else answer_text(document)
    scores = score_answer(
        question,
        gold_of(number),
        text,
        [] if document is None else cited_spans(document),
        refused=document is not None and document["refused"],
        support=None if document is None else score_support(document, RuleChecker()),
    )
    if document is not None:
        fields["counts"] = count_citations(document, BY_ID.__getitem__)
    failure = "no answer" if document is None else None
    return QuestionResult(question, document, failure, scores, rankings=rankings or {}, **fields)


def ranked(value):
    return {name: {level: dict.fromkeys(MEASURES, value) for level in LEVELS} for name in ("system", "keyword")}


def run_of(answers, confidences=None):
    """Results of which the n-th gives the answer of the question `answers[n]`, refuses (`None`) or fails (`...`)."""
    results = []
    for number, answer in enumerate(answers):
        sure = 0.5 if confidences is None else confidences[number]
        document = None if answer is ... else refusal(sure) if answer is None else document_of(answer, sure)
        rankings = ranked(float(answer == number)) if number < ANSWERABLE else {}
        results.append(result_of(number, document, rankings=rankings))
    return results


ALL = ANSWERABLE + UNANSWERABLE
PERFECT = run_of([*range(ANSWERABLE), *[None] * UNANSWERABLE], [1.0] * ANSWERABLE + [0.0] * UNANSWERABLE)
# A third of the answers are another question's, and half of the unanswerable questions get one.
SHUFFLED = run_of(
    [*[1, 2, 3, 0], *range(4, ANSWERABLE), *[5, 6, None, None]], [0.25, 0.75] * (ANSWERABLE // 2) + [0.25, 0.75] * 2
)
REFUSING = run_of([None] * ALL)
FAILING = run_of([...] * ALL)
# Answers everything with another question's answer, and is the surer of it the less it should be.
WRONG = run_of(
    [*[(number + 1) % ANSWERABLE for number in range(ANSWERABLE)], *range(UNANSWERABLE)],
    [0.9] * ANSWERABLE + [1.0] * UNANSWERABLE,
)


def values_of(results):
    report = summarise(results, manifest=made_manifest())
    flat = {
        f"{part}.{name}": figure.value
        for part in ("answers", "citations", "refusals")
        for name, figure in getattr(report, part).items()
    }
    levels = report.retrieval.items()
    return flat | {f"{level}.{name}": figure.value for level, of in levels for name, figure in of.items()}


HIGHER = (
    "answers.contains answers.exact_match answers.f1 answers.rouge_l answers.overall_exact_match answers.overall_f1 "
    "citations.gold_quote citations.gold_overlap citations.gold_article citations.contains refusals.auroc "
    "refusals.coverage_at_5_risk answers.no_answer refusals.rejected"
).split() + [f"{level}.{measure}" for level in LEVELS for measure in MEASURES]
LOWER = ["refusals.aurc", "refusals.ece"]


@pytest.mark.parametrize("name", HIGHER)
def test_a_perfect_system_scores_one_a_wrong_one_zero_and_a_shuffled_one_in_between(name):
    # Of 16 questions 4 are unanswerable; the perfect system answers the other 12 without risk.
    best = ANSWERABLE / ALL if name == "refusals.coverage_at_5_risk" else 1.0
    assert values_of(PERFECT)[name] == pytest.approx(best)
    # All sentences have words in common, so a wrong one still overlaps.
    if name in ("answers.f1", "answers.rouge_l", "answers.overall_f1"):
        assert values_of(FAILING)[name] == 0.0
        assert 0 < values_of(WRONG)[name] < values_of(SHUFFLED)[name] < 1
    else:
        assert values_of(WRONG)[name] == 0.0
        if name != "refusals.coverage_at_5_risk":
            assert 0 < values_of(SHUFFLED)[name] < 1


@pytest.mark.parametrize("name", LOWER)
def test_risks_are_zero_at_best_and_near_one_at_worst(name):
    assert values_of(PERFECT)[name] == pytest.approx(0.0)
    assert 0 < values_of(SHUFFLED)[name] < values_of(WRONG)[name]
    assert values_of(WRONG)[name] > 0.9


def test_a_system_that_refuses_everything_answers_nothing():
    found = values_of(REFUSING)
    zero = "contains exact_match f1 rouge_l".split()
    assert [found[f"answers.{name}"] for name in zero] == [0.0] * 4
    assert [found[f"citations.{name}"] for name in ("gold_quote", "gold_overlap", "gold_article")] == [0.0] * 3
    # Of 16 questions the 4 unanswerable ones are right: SQuAD 2.0 rewards that.
    assert found["answers.overall_f1"] == found["answers.overall_exact_match"] == UNANSWERABLE / ALL
    assert (found["answers.no_answer"], found["refusals.rejected"], found["refusals.false_rate"]) == (1.0, 1.0, 1.0)
    assert (found["refusals.coverage"], found["refusals.coverage_at_5_risk"]) == (0.0, 0.0)
    assert found["refusals.auroc"] == 0.5, "one confidence for all separates nothing"
    undefined = ("answers.mean_words", "citations.recall", "citations.exactness", "refusals.aurc", "refusals.ece")
    assert [found[name] for name in undefined] == [None] * 5


def test_a_system_that_always_fails_scores_worst_and_refuses_nothing():
    found = values_of(FAILING)
    for name in ("contains", "exact_match", "f1", "rouge_l", "no_answer", "overall_exact_match", "overall_f1"):
        assert found[f"answers.{name}"] == 0.0
    assert (found["refusals.rejected"], found["refusals.false_rate"], found["refusals.auroc"]) == (0.0, 1.0, 0.0)
    report = summarise(FAILING, manifest=made_manifest())
    assert len(report.failures) == ALL
    assert (report.risk_coverage, report.reliability, report.timings_ms) == ((), (), {})


def test_false_refusals_between_none_and_all():
    half = run_of([None if number % 2 else number for number in range(ANSWERABLE)])
    assert values_of(PERFECT)["refusals.false_rate"] == 0.0
    assert values_of(half)["refusals.false_rate"] == 0.5
    assert values_of(half)["refusals.coverage"] == 0.5


def test_citations_that_support_and_that_do_not():
    assert [values_of(PERFECT)[f"citations.{name}"] for name in ("exactness", "recall", "precision")] == [1.0] * 3
    assert values_of(PERFECT)["citations.statements_cited"] == values_of(PERFECT)["citations.mean_citations"] == 1.0
    # Wrong answers that cite what they say are supported: why recall stands beside correctness.
    assert [values_of(WRONG)[f"citations.{name}"] for name in ("exactness", "recall", "contains")] == [1.0, 1.0, 0.0]

    def spoil(number):
        """The right words with the place of another article; the statement of every third one without citation."""
        document = document_of(number, 0.5)
        other = document_of((number + 1) % ANSWERABLE, 0.5)["citations"][0]
        document["citations"] = [other | {"article_id": ARTICLES[number].article_id}]
        if number % 3 == 0:
            document["statements"][0]["citations"] = []
        return document

    spoilt = values_of([result_of(number, spoil(number)) for number in range(ANSWERABLE)])
    assert [spoilt[f"citations.{name}"] for name in ("exactness", "recall", "precision")] == [0.0] * 3
    assert spoilt["citations.statements_cited"] == pytest.approx(2 / 3)
    mixed = [result_of(n, document_of(n, 0.5) if n % 2 else spoil(n)) for n in range(ANSWERABLE)]
    found = values_of(mixed)
    assert [found[f"citations.{name}"] for name in ("exactness", "recall", "precision")] == [0.5] * 3


def test_has_answer_no_answer_and_both_by_hand():
    # Of twelve answerable questions eight are answered exactly, of four unanswerable ones two are refused.
    report = summarise(SHUFFLED, manifest=made_manifest())
    assert report.answers["exact_match"] == rate_of(8, 12)
    assert report.answers["no_answer"] == report.refusals["rejected"] == rate_of(2, 4)
    assert report.answers["overall_exact_match"] == rate_of(10, 16)
    f1 = [result.scores.f1 for result in SHUFFLED[:ANSWERABLE]]
    assert report.answers["f1"].value == pytest.approx(fmean(f1))
    assert report.answers["overall_f1"].value == pytest.approx(fmean([*f1, 0, 0, 1, 1]))
    assert report.answers["overall_f1"].n == ALL


def test_curve_and_bins_of_given_answers():
    # Surest first, 0.75: of six answers to answerable questions two are wrong, and one unanswerable question is
    # answered. 0.25: the same. The other two are refused.
    report = summarise(SHUFFLED, manifest=made_manifest())
    assert report.risk_coverage == (CurvePoint(7 / 16, 3 / 7, 0.75), CurvePoint(14 / 16, 6 / 14, 0.25))
    assert report.reliability == (
        ReliabilityBin(0.2, 0.3, 7, 0.25, pytest.approx(4 / 7)),
        ReliabilityBin(0.7, 0.8, 7, 0.75, pytest.approx(4 / 7)),
    )
    assert report.refusals["coverage"] == rate_of(14, 16)
    assert report.refusals["aurc"].n == 14
    assert report.refusals["coverage_at_5_risk"].value == 0.0


def test_questions_without_short_answers_are_left_out_of_risks():
    reference = [
        result_of(number, document_of(number, 0.9), replace(question_of(number), answers=(), reference="It rained."))
        for number in range(3)
    ]
    only = summarise([*reference, *PERFECT[ANSWERABLE:]], manifest=made_manifest())
    assert (only.risk_coverage, only.reliability) == ((), ())
    for name in ("aurc", "coverage_at_5_risk", "ece"):
        assert only.refusals[name] == UNDEFINED
    # Overlap with a reference is scored, a match with it is not.
    assert only.answers["contains"] == only.answers["overall_exact_match"] == UNDEFINED
    assert only.answers["overall_f1"].n == 3 + UNANSWERABLE
    assert only.refusals["coverage"] == rate_of(3, 7)
    mixed = summarise([*reference, *PERFECT], manifest=made_manifest())
    assert mixed.refusals["ece"].n == ANSWERABLE
    assert mixed.risk_coverage[-1].coverage == ANSWERABLE / ALL


def test_baselines_in_order_and_one_that_is_missing_counts_as_failed():
    scored = {result.question.id: result.scores for result in PERFECT}
    results = [
        replace(result, baselines=dict.fromkeys(("top_passage", "keyword_only", "mine"), scored[result.question.id]))
        for result in REFUSING
    ]
    results[0] = replace(results[0], baselines={})
    report = summarise(results, manifest=made_manifest())
    assert list(report.baselines) == ["keyword_only", "top_passage", "mine", "always_refuse"]
    assert report.baselines["mine"]["contains"] == rate_of(ANSWERABLE - 1, ANSWERABLE)
    assert report.baselines["mine"]["rejected"] == rate_of(UNANSWERABLE, UNANSWERABLE)
    assert report.baselines["mine"]["coverage"] == rate_of(ANSWERABLE - 1, ALL)
    assert report.baselines["mine"]["recall"].n == ANSWERABLE - 1
    refusing = report.baselines["always_refuse"]
    assert (refusing["contains"].value, refusing["rejected"].value, refusing["false_rate"].value) == (0.0, 1.0, 1.0)
    assert {name: figure for name, figure in report.answers.items() if name in refusing} == report.answers
    assert all(refusing[name] == figure for name, figure in report.answers.items())


def test_rankings_of_the_system_and_of_the_baselines():
    report = summarise(SHUFFLED, manifest=made_manifest())
    assert report.retrieval["passage"]["Success@1"] == rate_of(8, 12)
    assert report.retrieval["article"]["nDCG@10"].value == pytest.approx(8 / 12)
    assert report.baseline_retrieval["keyword_only"] == report.retrieval
    assert report.baseline_retrieval["dense_only"]["article"]["AP"] == UNDEFINED
    by_article = [replace(r, rankings={"system": {"article": dict.fromkeys(MEASURES, 0.5)}}) for r in PERFECT]
    coarse = summarise(by_article, manifest=made_manifest())
    assert coarse.retrieval["passage"]["R@5"] == UNDEFINED
    assert coarse.by_type["untyped"]["nDCG@10"].value == 0.5


def test_types_have_headline_figures():
    results = [
        replace(result, question=replace(result.question, type="odd" if number % 2 else "even"))
        for number, result in enumerate(SHUFFLED)
    ]
    report = summarise(results, manifest=made_manifest())
    assert (list(report.by_type), report.type_sizes) == (["even", "odd"], {"even": 8, "odd": 8})
    assert list(report.by_type["odd"]) == (
        "contains f1 rouge_l gold_quote gold_article rejected false_rate nDCG@10".split()
    )
    assert report.by_type["odd"]["contains"] == rate_of(4, 6)
    assert report.by_type["odd"]["rejected"] == rate_of(1, 2)


def test_clusters_widen_the_intervals_and_are_counted():
    # Articles 0 to 3 are wrong and the others right: three clusters of four, one of them all wrong.
    clustered = [
        replace(result, question=replace(result.question, cluster=None if number >= 12 else f"c{number // 4}"))
        for number, result in enumerate(SHUFFLED)
    ]
    report, plain = (summarise(results, manifest=made_manifest()) for results in (clustered, SHUFFLED))
    assert (report.clusters, plain.clusters) == (3 + UNANSWERABLE, None)
    for part in ("answers", "citations"):
        for name in ("contains", "exact_match", "f1", "gold_overlap"):
            figures, others = getattr(report, part), getattr(plain, part)
            if name in figures:
                assert figures[name].value == pytest.approx(others[name].value)
                assert figures[name].high - figures[name].low > others[name].high - others[name].low
    assert report.retrieval["article"]["AP"].low < plain.retrieval["article"]["AP"].low
    assert report.baselines["always_refuse"]["contains"].high > plain.baselines["always_refuse"]["contains"].high


def test_the_seed_of_the_manifest_decides_the_intervals():
    results = [
        replace(result, scores=replace(result.scores, f1=number**0.5 / 4)) for number, result in enumerate(SHUFFLED)
    ]
    first, again, other = (summarise(results, manifest=made_manifest(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first.answers["f1"] != other.answers["f1"]
    assert first.answers["f1"].value == other.answers["f1"].value


def test_times_are_quantiles_and_sums():
    results = [replace(result, seconds={"system": 0.5, "harness": 0.25}) for result in PERFECT]
    report = summarise([*results, replace(results[0], seconds={"judge": 2.0})], manifest=made_manifest())
    assert report.seconds == {"system": 0.5 * ALL, "harness": 0.25 * ALL, "judge": 2.0}
    assert report.timings_ms["retrieval"]["p95"].value == 4.0
    assert report.timings_ms["total"]["p95"].value == 21.0
    assert report.timings_ms["total"]["p95"].n == ALL + 1


def test_the_judge_is_asked_only_where_there_are_judgements():
    assert summarise(PERFECT, manifest=made_manifest()).judge == {}
    judged = [replace(result, judgement=Judgement("openai:made", faithfulness=0.5)) for result in PERFECT]
    assert summarise(judged, manifest=made_manifest()).judge["faithfulness"].value == 0.5


def test_no_results_and_failures_alone_have_every_name():
    for results in ([], FAILING, PERFECT):
        report = summarise(results, manifest=made_manifest())
        names = tuple(list(figures) for figures in (report.answers, report.citations, report.refusals))
        assert names == ANSWER_FIGURES
        assert {level: list(figures) for level, figures in report.retrieval.items()} == {
            level: list(MEASURES) for level in ("article", "passage")
        }
        assert list(report.baseline_retrieval) == ["keyword_only", "dense_only"]
        assert list(report.baselines) == ["always_refuse"]
    empty = summarise([], manifest=made_manifest())
    figures = [*empty.answers.values(), *empty.citations.values(), *empty.refusals.values()]
    assert figures == [UNDEFINED] * len(figures)
    assert (empty.clusters, empty.by_type, empty.seconds, empty.results) == (None, {}, {}, ())


def test_ignored_fields_are_counted():
    results = [
        replace(result, question=replace(result.question, ignored_fields=("note", "extra")[: number % 3]))
        for number, result in enumerate(PERFECT[:3])
    ]
    assert summarise(results, manifest=made_manifest()).ignored_fields == {"extra": 1, "note": 2}
