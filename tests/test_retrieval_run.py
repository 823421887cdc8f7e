"""A retrieval run over small libraries: figures, baselines, files, failures."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from eval.rankings import DEPTHS, MEASURES
from eval.retrieval_run import run_retrieval
from eval.scoring import score_run
from eval.trec import read_qrels, read_run
from eval.types import EvalQuestion, Evidence, QuestionSet
from index.errors import EncoderError, InputError, QuestionSetError
from index.types import Article, Hit, Metadata
from rag.types import Turn
from tests.fakes import BagOfWordsEncoder
from tests.small_library import library_of

MODES = ("hybrid", "keyword", "dense")

CORPUS = "/sets/fruit/corpus.jsonl"

TEXTS = {
    "1": "Apples are picked in autumn. Cider is pressed from them.",
    "2": "Pears keep badly. They are eaten in autumn.",
    "3": "Plums are dried and become prunes. A plum tree bears after five years.",
    "4": "Quinces are too hard to be eaten raw.",
}


def articles(**metadata):
    return tuple(Article.from_text(text, Metadata(**metadata), f"{CORPUS}#{key}") for key, text in TEXTS.items())


def evidence(key, grade=1, quote=None):
    return Evidence(f"{CORPUS}#{key}", quote, grade=grade)


def question_set(*questions, carried=None, **fields):
    carried = articles() if carried is None else carried
    return replace(QuestionSet("fruit", "beir", "0" * 64, tuple(questions), carried), **fields)


QUESTIONS = (
    EvalQuestion("q1", "Which fruit is dried and becomes prunes?", evidence=(evidence("3", 2),)),
    EvalQuestion("q2", "What is picked or eaten in autumn?", evidence=(evidence("1"), evidence("2", 2), evidence("4"))),
    EvalQuestion("q3", "What is pressed from quinces?", evidence=(evidence("1"),)),
)


@pytest.fixture
def library(tmp_path):
    with library_of(tmp_path / "library", articles()) as opened:
        yield opened


def found_by(rankings):
    """A search that finds the passages of articles by name: query → mode → articles in order."""

    def search(query, limits, mode, k):
        return rankings[query][mode][:k]

    return search


def test_figures_of_the_search_and_of_both_baselines(library):
    report = run_retrieval(question_set(*QUESTIONS), library)
    document = json.loads(json.dumps(report.as_json()))
    assert list(document["retrieval"]) == ["article"]
    assert tuple(document["retrieval"]["article"]) == MEASURES
    assert set(document["baselines"]) == {"keyword_only", "dense_only"}
    figure = document["retrieval"]["article"]["R@10"]
    assert figure["n"] == 3
    # Four articles of a passage each: a list of ten holds all that share a word with the question.
    assert figure["low"] <= figure["value"] <= figure["high"]
    assert document["retrieval"]["article"]["Success@10"]["value"] == 1
    assert document["n"] == 3
    assert document["articles"] == 4
    assert (document["mode"], document["encoder"], document["clusters"]) == ("hybrid", "bag-of-words", None)
    assert set(document["timings_ms"]) == {"encoding", "hybrid", "keyword", "dense"}
    assert all(set(quantiles) == {"p50", "p95"} for quantiles in document["timings_ms"].values())


@pytest.mark.parametrize(("mode", "beside"), [("keyword", {"dense_only"}), ("dense", {"keyword_only"})])
def test_a_search_does_not_stand_beside_itself(library, mode, beside):
    report = run_retrieval(question_set(*QUESTIONS), library, mode=mode)
    assert set(report.baselines) == beside
    hybrid = run_retrieval(question_set(*QUESTIONS), library)
    assert report.retrieval == hybrid.baselines[f"{mode}_only"]


def test_values_by_hand(library):
    """One relevant article each, at rank 1, at rank 2 and nowhere: RR (1 + 1/2 + 0) / 3, Success@1 1/3."""
    hits = {hit.passage.article_id: hit for hit in run_hits(library)}
    by_key = [hits[article.article_id] for article in articles()]
    questions = [EvalQuestion(f"q{n}", f"question {n}", evidence=(evidence("1"),)) for n in (1, 2, 3)]
    rankings = {
        "question 1": dict.fromkeys(MODES, by_key),
        "question 2": {"hybrid": by_key[1::-1], "keyword": [], "dense": by_key},
        "question 3": {"hybrid": by_key[1:], "keyword": [], "dense": by_key},
    }
    report = run_retrieval(question_set(*questions), library, search=found_by(rankings))
    values = {name: figure.value for name, figure in report.retrieval["article"].items()}
    assert values == pytest.approx(
        {"RR@10": 0.5, "Success@1": 1 / 3, "Success@5": 2 / 3, "Success@10": 2 / 3, "AP": 0.5}
        | {"nDCG@10": (1 + 0.63092975) / 3, "R@5": 2 / 3, "R@10": 2 / 3, "R@50": 2 / 3}
    )
    assert report.baselines["keyword_only"]["article"]["AP"].value == pytest.approx(1 / 3)
    assert report.baselines["dense_only"]["article"]["AP"].value == 1
    # Without the library's own search, nothing is encoded.
    assert set(report.timings_ms) == {"hybrid", "keyword", "dense"}


def run_hits(library):
    from index.types import SearchFilter
    from rag.retrieval import retrieve

    return retrieve(library, "fruit", k=50, search_filter=SearchFilter())


def test_each_search_is_asked_for_both_depths_once(library):
    asked = []

    def search(query, limits, mode, k):
        asked.append((query, mode, k))
        return []

    quoted = replace(QUESTIONS[0], evidence=(evidence("3", quote="Plums are dried"),))
    run_retrieval(question_set(quoted), library, mode="dense", search=search)
    assert asked == [(quoted.text, mode, k) for mode in ("dense", "keyword") for k in DEPTHS]


def test_where_only_articles_are_relevant_all_figures_are_of_more_passages(library):
    hits = {article.origin.rsplit("#", 1)[1]: article.article_id for article in articles()}
    passages = {name: library.passages(identifier)[0] for name, identifier in hits.items()}

    def search(query, limits, mode, k):
        # The relevant article has only the eleventh passage.
        names = ["1"] * 10 + ["3"]
        return [Hit(passages[name], rank, 1.0 / rank) for rank, name in enumerate(names[:k], start=1)]

    report = run_retrieval(question_set(QUESTIONS[0]), library, mode="dense", search=search)
    assert report.retrieval["article"]["RR@10"].value == 0.5
    quoted = replace(QUESTIONS[0], evidence=(evidence("3", quote="Plums are dried"),))
    report = run_retrieval(question_set(quoted), library, mode="dense", search=search)
    assert report.retrieval["article"]["RR@10"].value == 0


def test_a_question_is_encoded_once(tmp_path):
    with library_of(tmp_path / "library", articles()) as library:
        library.encoder.encoded.clear()
        run_retrieval(question_set(*QUESTIONS), library)
        encoded = Counter(library.encoder.encoded)
        assert {question.text: encoded[question.text] for question in QUESTIONS} == dict.fromkeys(
            (question.text for question in QUESTIONS), 1
        )


def test_passages_are_scored_where_there_are_quotes(library):
    quoted = replace(QUESTIONS[0], evidence=(evidence("3", quote="Plums are dried"),))
    report = run_retrieval(question_set(quoted, QUESTIONS[1]), library)
    assert set(report.retrieval) == {"article", "passage"}
    assert report.retrieval["article"]["AP"].n == 2
    assert report.retrieval["passage"]["AP"].n == 1
    assert report.retrieval["passage"]["Success@10"].value == 1


def test_follow_ups_are_searched_as_questions_that_stand_alone(library):
    queries = []

    def search(query, limits, mode, k):
        queries.append(query)
        return []

    history = (Turn("What are prunes made from?", "Plums."),)
    run_retrieval(question_set(replace(QUESTIONS[0], text="And when?", history=history)), library, search=search)
    assert set(queries) == {"And when? (What are prunes made from?)"}


def test_as_of_leaves_out_later_articles_unless_told_otherwise(tmp_path):
    carried = articles(published="2020-05-05")
    asked = replace(QUESTIONS[0], as_of=date(2019, 1, 1))
    with library_of(tmp_path / "library", carried) as library:
        found = question_set(asked, carried=carried)
        assert run_retrieval(found, library).retrieval["article"]["AP"].value == 0
        assert run_retrieval(found, library, use_as_of=False).retrieval["article"]["AP"].value == 1


def test_questions_that_cannot_be_scored_are_skipped_and_counted(library):
    others = (EvalQuestion("none", "Who?"), replace(QUESTIONS[0], id="refuse", answerable=False))
    report = run_retrieval(question_set(*QUESTIONS, *others), library)
    assert (report.questions, report.skipped) == (3, 2)
    assert "2 questions are not answerable or name no evidence" in report.text()
    with pytest.raises(QuestionSetError, match="no answerable question with evidence"):
        run_retrieval(question_set(*others), library)


def test_evidence_that_the_library_lacks_is_an_error(tmp_path):
    with library_of(tmp_path / "library", articles()[:1]) as library, pytest.raises(QuestionSetError, match="q1"):
        run_retrieval(question_set(*QUESTIONS), library)


def test_a_search_that_fails_is_recorded_and_scores_0(library):
    def search(query, limits, mode, k):
        if query == QUESTIONS[0].text and mode == "dense":
            raise EncoderError("the encoder is gone")
        if query == QUESTIONS[1].text:
            raise ZeroDivisionError("by zero")
        return run_hits(library)

    report = run_retrieval(question_set(*QUESTIONS), library, mode="dense", search=search)
    assert report.failures == (
        ("q1", "dense", "the encoder is gone"),
        ("q2", "dense", "ZeroDivisionError: by zero"),
        ("q2", "keyword", "ZeroDivisionError: by zero"),
    )
    assert report.retrieval["article"]["Success@10"].value == pytest.approx(1 / 3)
    assert report.baselines["keyword_only"]["article"]["Success@10"].value == pytest.approx(2 / 3)
    assert {failure["id"] for failure in report.as_json()["failures"]} == {"q1", "q2"}
    assert "  q1 (dense): the encoder is gone" in report.text()


def test_an_encoder_that_fails_costs_the_searches_that_need_it(tmp_path):
    class Broken(BagOfWordsEncoder):
        def encode(self, texts):
            raise EncoderError("no weights")

    library_of(tmp_path / "library", articles()).close()
    from index.library import Library

    with Library.open(tmp_path / "library", Broken()) as library:
        report = run_retrieval(question_set(QUESTIONS[0]), library)
    assert [mode for _, mode, _ in report.failures] == ["hybrid", "dense"]
    assert report.retrieval["article"]["AP"].value == 0
    assert report.baselines["keyword_only"]["article"]["AP"].value == 1


def test_files_for_other_tools_give_the_same_figures(library, tmp_path):
    out = tmp_path / "new" / "out"
    report = run_retrieval(question_set(*QUESTIONS), library, out=out)
    assert read_qrels(out / "qrels.trec") == {"q1": {"3": 2}, "q2": {"1": 1, "2": 2, "4": 1}, "q3": {"1": 1}}
    assert json.loads((out / "retrieval.json").read_text()) == report.as_json()
    figures = {"hybrid": report.retrieval, "keyword": report.baselines["keyword_only"]}
    figures["dense"] = report.baselines["dense_only"]
    assert {path.name for path in out.iterdir()} == {
        "qrels.trec",
        "retrieval.json",
        *(f"run.{m}.trec" for m in figures),
    }
    for mode, levels in figures.items():
        assert read_run(out / f"run.{mode}.trec").run_id == f"dateline-{mode}"
        scored = score_run(out / "qrels.trec", out / f"run.{mode}.trec", measures=MEASURES)
        # Four passages in all: the lists of 10 and of 50 are the same.
        assert scored.measures == pytest.approx({name: figure.value for name, figure in levels["article"].items()})
    scores = list(read_run(out / "run.hybrid.trec").scores["q1"].values())
    assert scores == sorted(scores, reverse=True)


def test_articles_without_an_identifier_of_the_set_go_by_the_librarys(tmp_path):
    text = "Medlars are eaten when they rot."
    plain = Article.from_text(text, Metadata(), "/news/medlar #1.txt")
    double = tuple(Article.from_text(f"{text} {n}", Metadata(), f"/sets/{n}/corpus.jsonl#7") for n in "ab")
    carried = (plain, *double)
    asked = EvalQuestion("q", "Medlars?", evidence=tuple(Evidence(article.origin, None) for article in carried))
    with library_of(tmp_path / "library", carried) as library:
        run_retrieval(question_set(asked, carried=carried), library, out=tmp_path / "out")
    # Two records have the key 7, so neither can go by it.
    names = {article.article_id for article in carried}
    assert set(read_qrels(tmp_path / "out" / "qrels.trec")["q"]) == names
    assert set(read_run(tmp_path / "out" / "run.hybrid.trec").scores["q"]) == names


def test_a_relevant_document_that_the_set_lacks_counts_and_is_named(library, tmp_path):
    asked = replace(QUESTIONS[0], evidence=(evidence("3"), evidence("99")))
    report = run_retrieval(question_set(asked), library, out=tmp_path)
    assert report.retrieval["article"]["R@10"].value == 0.5
    assert read_qrels(tmp_path / "qrels.trec") == {"q1": {"3": 1, "99": 1}}


def test_a_folder_that_cannot_be_made_is_an_error_before_any_search(library, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        run_retrieval(question_set(*QUESTIONS), library, out=tmp_path / "file" / "out", search=found_by({}))


def test_questions_of_a_cluster_make_the_intervals_wider(library):
    hits = run_hits(library)
    questions = [replace(QUESTIONS[2], id=f"q{n}", text=f"{n % 2}") for n in range(24)]
    search = found_by({query: dict.fromkeys(MODES, found) for query, found in (("0", hits), ("1", ()))})
    alone = run_retrieval(question_set(*questions), library, search=search)
    clustered = [replace(question, cluster=question.text) for question in questions]
    together = run_retrieval(question_set(*clustered), library, search=search)
    assert (alone.clusters, together.clusters) == (None, 2)
    for name in ("R@10", "Success@10"):
        one, other = alone.retrieval["article"][name], together.retrieval["article"][name]
        assert one.value == other.value == 0.5
        assert other.high - other.low > one.high - one.low


def test_progress_and_text(library):
    seen = []
    report = run_retrieval(question_set(*QUESTIONS), library, on_progress=lambda *counts: seen.append(counts))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    lines = report.text().splitlines()
    assert lines[0].startswith("fruit: 3 questions searched in 4 articles (4 passages), hybrid search, encoder bag-of-")
    header = next(line for line in lines if line.startswith("Retrieval of articles"))
    row = next(line for line in lines if line.strip().startswith("Success@10"))
    assert header.split()[-4:] == ["keyword", "only", "dense", "only"]
    # Right edges of the columns are under each other.
    assert len(header) == len(row)
    assert row.split()[:2] == ["Success@10", "1.000"]
