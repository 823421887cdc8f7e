"""`eval score` against trec_eval's own test files, line by line, and against values worked out by hand."""

import json
import math
import re
from pathlib import Path

import ir_measures
import pytest

from eval.benchmarks.development_sets import OPEN_DATA
from eval.measure_names import find_measures
from eval.rankings import MEASURES
from eval.scoring import score_run
from index.errors import InputError

TREC_EVAL = OPEN_DATA / "trec_eval"

trec_eval_files = pytest.mark.skipif(not TREC_EVAL.is_dir(), reason=f"trec_eval's test files are not in {TREC_EVAL}")

RUNS = {
    # Output of trec_eval 10 → qrels, run and options, as in the target `quicktest` of its Makefile.
    "out.test": ("qrels.test", "results.test", {"measures": ["official"]}),
    "out.test.a": ("qrels.test", "results.test", {}),
    "out.test.aq": ("qrels.test", "results.test", {"per_query": True}),
    "out.test.aqc": ("qrels.test", "results.trunc", {"per_query": True, "complete": True}),
    "out.test.aqcM": ("qrels.test", "results.trunc", {"per_query": True, "complete": True, "max_documents": 100}),
    "out.test.aql": ("qrels.rel_level", "results.test", {"per_query": True, "relevance_level": 2}),
}

LINES = {"out.test": 30, "out.test.a": 95, **dict.fromkeys(["out.test.aq", "out.test.aqc"], 368)}
LINES |= dict.fromkeys(["out.test.aqcM", "out.test.aql"], 368)
"""Lines of each output that are reproduced, all but those of NOT_REPRODUCED."""

NOT_REPRODUCED = {
    # ir_measures has no residual of RBP.
    "rbp_resid",
    # ir_measures has no share of unjudged documents. Its Judged@k is not one minus that: it counts documents that were
    # pooled and not judged (below 0) as judged.
    "unj_5",
    "unj_10",
    "unj_20",
    # A string of relevance values and no measure; pytrec_eval lists it and gives 0 for it.
    "relstring",
    "relstring_20",
}

IR_LINES = {"out.test": 28, "out.test.a": 65, **dict.fromkeys(["out.test.aq", "out.test.aqc"], 257)}
IR_LINES |= dict.fromkeys(["out.test.aqcM", "out.test.aql"], 257)
"""Lines whose measure ir_measures has a name for."""


def expected_lines(output):
    return (TREC_EVAL / output).read_text().splitlines()


def scored(output, **changed):
    qrels, run, options = RUNS[output]
    return score_run(
        TREC_EVAL / qrels, TREC_EVAL / run, **{"measures": ["all_trec"], "complete": False, **options, **changed}
    )


@trec_eval_files
@pytest.mark.parametrize("output", RUNS)
def test_trec_evals_own_output_is_reproduced_to_the_printed_digit(output):
    expected = expected_lines(output)
    left_out = [line for line in expected if line.split()[0] in NOT_REPRODUCED]
    compared = [line for line in expected if line not in left_out]
    # The whole text: every line, in trec_eval's order, with its spaces.
    assert scored(output).text().splitlines() == compared
    assert (len(compared), len(left_out)) == (LINES[output], len(expected) - LINES[output])


@trec_eval_files
def test_nothing_else_is_left_out():
    names = {line.split()[0] for output in RUNS for line in expected_lines(output)}
    assert names >= NOT_REPRODUCED
    known = {name for nickname in ("official", "set", "all_trec") for name in find_measures(nickname)}
    assert names - NOT_REPRODUCED == known | {"runid"}


@trec_eval_files
@pytest.mark.parametrize("output", RUNS)
def test_the_same_lines_by_the_names_of_ir_measures(output):
    """The names are those that ir_measures itself gives to trec_eval's measures."""
    expected = {}
    for line in expected_lines(output):
        name, query, value = line.split()
        # ir_measures has no name for this one, and takes its prefix for another.
        measures = [] if name.startswith(("runid", "relstring", "Rprec_mult")) else named_by_ir_measures(name)
        if measures:
            expected[query, measures[0]] = value
    names = list(dict.fromkeys(name for _, name in expected))
    found = scored(output, measures=names)
    level = RUNS[output][2].get("relevance_level", 1)
    for (query, name), value in expected.items():
        shown = next(iter(find_measures(name, level)))
        values = found.measures if query == "all" else found.per_query[query]
        assert f"{values[shown]:.4f}" == f"{float(value):.4f}", (query, name)
    assert len(expected) == IR_LINES[output]


def named_by_ir_measures(name):
    try:
        measures = ir_measures.parse_trec_measure(name)
    except ValueError:
        return []
    return ["NumRelRet" if str(measure) == "NumRet(rel=1)" else str(measure) for measure in measures]


@pytest.fixture
def files(tmp_path):
    """A function that writes qrels and a run, and scores them."""

    def score(qrels, run, **options):
        (tmp_path / "qrels").write_text("".join(f"{line}\n" for line in qrels))
        (tmp_path / "run").write_text("".join(f"{line} by-hand\n" for line in run))
        return score_run(tmp_path / "qrels", tmp_path / "run", **options)

    return score


def test_ties_are_broken_as_by_trec_eval(files):
    """Equal scores go by the document, descending, whatever the ranks and the order of the lines say.

    Worked by hand: d has the best score, the others follow as c, b, a. With c relevant, the reciprocal rank is 1/2;
    by the order of the lines it would be 1/4, and by ascending identifiers, too.
    """
    run = ["q Q0 a 1 0.5", "q Q0 b 2 0.5", "q Q0 c 3 0.5", "q Q0 d 4 0.9"]
    expected = {"a": 1 / 4, "b": 1 / 3, "c": 1 / 2, "d": 1.0}
    for relevant, value in expected.items():
        # Providers of ir_measures break ties differently: RR@10 is by another one than RR.
        found = files([f"q 0 {relevant} 1"], run, measures=["recip_rank", "RR", "RR@10", "ndcg", "nDCG@10"])
        ndcg = 1 / math.log2(1 / value + 1)
        assert list(found.measures.values()) == pytest.approx([value, value, value, ndcg, ndcg])


def test_scores_that_differ_in_double_precision_are_no_tie(files):
    """As in trec_eval 10; earlier versions, and pytrec_eval by itself, read them in single precision."""
    run = ["q Q0 a 1 1.000000001", "q Q0 b 2 1.0"]
    assert files(["q 0 a 1"], run, measures=["recip_rank", "RR"]).measures == {"recip_rank": 1.0, "RR": 1.0}


def test_identifiers_compare_by_bytes(files):
    run = ["q Q0 é 1 1", "q Q0 z 2 1", "q Q0 Z 3 1", "q Q0 10 4 1", "q Q0 9 5 1"]
    order = ["é", "z", "Z", "9", "10"]
    found = [files([f"q 0 {document} 1"], run, measures=["recip_rank"]).measures["recip_rank"] for document in order]
    assert found == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])


def test_a_question_without_a_result_counts_0_unless_only_common_ones_are_asked_for(files):
    qrels, run = ["q1 0 a 1", "q2 0 a 1", "q2 0 b 1"], ["q1 Q0 a 1 1", "q3 Q0 a 1 1"]
    names = ["map", "AP", "gm_map", "num_q", "num_ret", "num_rel", "utility", "NumRel", "NumRet", "NumQ"]
    found = files(qrels, run, measures=names, per_query=True)
    assert found.measures == pytest.approx(
        # The geometric mean takes 0 as 0.00001: √(1 · 0.00001).
        {"map": 0.5, "AP": 0.5, "gm_map": math.sqrt(1e-5), "num_q": 2, "num_ret": 1, "num_rel": 3, "utility": 0.5}
        | {"NumRel": 3, "NumRet": 1, "NumQ": 2}
    )
    assert (found.queries, found.missing, found.unjudged) == (2, ("q2",), ("q3",))
    assert found.per_query["q2"]["AP"] == 0 == found.per_query["q2"]["num_ret"]
    common = files(qrels, run, measures=names, complete=False)
    assert common.measures["AP"] == common.measures["map"] == common.measures["gm_map"] == 1
    assert (common.queries, common.missing, common.unjudged) == (1, ("q2",), ("q3",))


def test_an_empty_run_scores_0(files):
    found = files(["q 0 a 1"], [], measures=[*MEASURES, "all_trec"])
    assert {name for name, value in found.measures.items() if value} == {"num_q", "num_rel", "gm_map", "gm_bpref"}
    with pytest.raises(InputError, match="have no query in common"):
        files(["q 0 a 1"], [], complete=False)


def test_a_perfect_run_scores_1_and_a_shuffled_one_between(files):
    qrels = ["q 0 a 2", "q 0 b 1", "q 0 c 0"]
    perfect = ["q Q0 a 1 3", "q Q0 b 2 2"]
    shuffled = ["q Q0 x 1 9", "q Q0 b 2 8", *(f"q Q0 x{n} 3 7" for n in range(60)), "q Q0 a 4 1"]
    names = ["nDCG@10", "RR@10", "R@5", "R@10", "R@50", "AP", "ndcg", "map", "Rprec", "bpref", "11pt_avg"]
    assert set(files(qrels, perfect, measures=names).measures.values()) == {1.0}
    between = files(qrels, shuffled, measures=names).measures
    assert all(0 < between[name] < 1 for name in names if name != "bpref")


def test_interpolated_precision_at_a_recall_that_is_no_whole_number_of_documents(files):
    """By hand: relevant ones at ranks 1, 4 and 5 of 3 in all, so the precisions there are 1, 2/4 and 3/5.

    At 0.5, lround(1.5) = 2 documents are wanted, and the best precision from there on is 3/5. At 0.1, none is: 1. At
    0.45, lround(1.35) is 1, where trec_eval 9 took 2.
    """
    qrels = ["q 0 a 1", "q 0 d 1", "q 0 e 1"]
    run = [f"q Q0 {document} 1 {-number}" for number, document in enumerate("abcde")]
    names = ["iprec_at_recall_0.50", "IPrec@0.5", "iprec_at_recall.0.10,0.45", "IPrec@1.0", "11pt_avg"]
    assert files(qrels, run, measures=names).measures == pytest.approx(
        {"iprec_at_recall_0.50": 0.6, "IPrec@0.5": 0.6, "iprec_at_recall_0.10": 1, "iprec_at_recall_0.45": 1}
        # Wanted at 0, 0.1 … 1: 0 0 1 1 1 2 2 2 2 3 3.
        | {"IPrec@1.0": 0.6, "11pt_avg": (5 * 1 + 6 * 0.6) / 11}
    )


def test_judgements_below_0_alone_are_no_relevance(files):
    qrels = ["q1 0 a -5", "q1 0 b -1", "q2 0 a 3"]
    found = files(qrels, ["q1 Q0 a 1 1", "q2 Q0 a 1 1"], measures=["all_trec"], per_query=True)
    sums = {"num_ret": 1, "P_5": 0, "ndcg": 0, "map": 0, "bpref": 0, "num_rel": 0, "num_nonrel_judged_ret": 0}
    assert {name: found.per_query["q1"][name] for name in sums} == sums


def test_measures_look_no_deeper_than_asked(files):
    qrels, run = ["q 0 b 1"], ["q Q0 a 1 2", "q Q0 b 2 1"]
    assert files(qrels, run, measures=["recip_rank", "num_ret"]).measures == {"recip_rank": 0.5, "num_ret": 2}
    cut = files(qrels, run, measures=["recip_rank", "num_ret"], max_documents=1)
    assert cut.measures == {"recip_rank": 0, "num_ret": 1}


def test_the_relevance_level_is_shown_where_ir_measures_has_one(files):
    names = ["AP", "AP(rel=1)", "nDCG@10", "NumRel", "NumRet", "NumRelRet", "map"]
    found = files(["q 0 a 1", "q 0 b 2"], ["q Q0 a 1 2", "q Q0 b 2 1"], measures=names, relevance_level=2)
    ndcg = (1 + 2 / math.log2(3)) / (2 + 1 / math.log2(3))
    assert found.measures == pytest.approx(
        {"AP(rel=2)": 0.5, "AP": 1, "nDCG@10": ndcg, "NumRel(rel=2)": 1, "NumRet": 2, "NumRet(rel=2)": 1} | {"map": 0.5}
    )


def test_what_is_printed(files):
    qrels, run = ["q1 0 a 1", "q2 0 a 1"], ["q1 Q0 a 1 1", "q2 Q0 b 1 1"]
    found = files(qrels, run, measures=["AP", "num_ret", "gm_map"])
    assert found.text().splitlines() == [
        "runid                 \tall\tby-hand",
        "AP                    \tall\t0.5000",
        "num_ret               \tall\t2",
        "gm_map                \tall\t0.0032",
    ]
    assert json.loads(json.dumps(found.as_json())) == {
        "run": "by-hand",
        "queries": 2,
        "missing": [],
        "unjudged": [],
        "measures": {"AP": 0.5, "num_ret": 2, "gm_map": pytest.approx(math.sqrt(1e-5))},
    }
    found = files(qrels, run, measures=["AP", "num_ret", "gm_map"], per_query=True)
    assert found.text().splitlines()[2:] == [
        "AP                    \tq2\t0.0000",
        "num_ret               \tq2\t1",
        "runid                 \tall\tby-hand",
        "AP                    \tall\t0.5000",
        "num_ret               \tall\t2",
        "gm_map                \tall\t0.0032",
    ]
    assert found.as_json()["per_query"] == {"q1": {"AP": 1.0, "num_ret": 1}, "q2": {"AP": 0.0, "num_ret": 1}}
    assert type(found.as_json()["measures"]["num_ret"]) is int


def test_the_measures_of_the_reports_and_of_trec_eval_are_the_default(files):
    found = tuple(files(["q 0 a 1"], ["q Q0 a 1 1"]).measures)
    assert found == (*MEASURES, *find_measures("official"))
    assert {"map", "num_q", "P_10", "recip_rank"} <= set(found)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("P.10,5,10", ["P_5", "P_10"]),
        ("ndcg_cut_7", ["ndcg_cut_7"]),
        ("success", ["success_1", "success_5", "success_10"]),
        ("iprec_at_recall.0.1,0.25", ["iprec_at_recall_0.10", "iprec_at_recall_0.25"]),
        ("MAP", ["AP"]),
        ("NDCG@3", ["nDCG@3"]),
        ("AP(rel=2)@7", ["AP(rel=2)@7"]),
    ],
)
def test_names_of_both_kinds_and_their_parameters(files, name, shown):
    assert list(files(["q 0 a 1"], ["q Q0 a 1 1"], measures=[name]).measures) == shown


def test_defaults_and_single_cutoffs_of_one_measure_go_together(files):
    found = files(["q 0 a 1"], ["q Q0 a 1 1"], measures=["P_7", "P", "recall"])
    assert list(found.measures)[:3] == ["P_7", "P_5", "P_10"]
    assert (found.measures["P_7"], found.measures["P_5"], found.measures["recall_5"]) == pytest.approx((1 / 7, 0.2, 1))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("ndcg@10", "there is no measure 'ndcg@10'; did you mean 'nDCG@10'"),
        ("ndcg_cutt_10", "did you mean 'ndcg_cut_10'"),
        ("mapp", "did you mean 'map'"),
        ("P_0", "there is no measure 'P_0'; did you mean"),
        ("xyzzy", "there is no measure 'xyzzy'; name one as ir_measures ('nDCG@10') or trec_eval ('map') does"),
        ("", "there is no measure ''"),
        ("relstring", "there is no measure 'relstring'"),
        ("R@1.5", "the measure 'R@1.5' lacks a parameter or has a wrong one"),
        ("Success", "the measure 'Success' lacks a parameter"),
        ("P@0", "the measure 'P@0' looks at 0 documents; it takes 1 or more"),
        ("alpha_nDCG@10", "the measure 'alpha_nDCG@10' cannot be calculated here"),
    ],
)
def test_measures_that_there_are_not(files, name, complaint):
    with pytest.raises(InputError, match=re.escape(complaint)):
        files(["q 0 a 1"], ["q Q0 a 1 1"], measures=[name])


@pytest.mark.parametrize("options", [{"relevance_level": 0}, {"max_documents": 0}])
def test_numbers_below_1(options):
    # Before any file is looked at.
    with pytest.raises(InputError, match="1 or more"):
        score_run(Path("none"), Path("none"), **options)


def test_rank_biased_precision_by_hand(tmp_path):
    (tmp_path / "qrels").write_text("1 0 a 2\n1 0 b 1\n1 0 c 0\n")
    (tmp_path / "run").write_text("1 Q0 b 1 3.0 x\n1 Q0 c 2 2.0 x\n1 Q0 a 3 1.0 x\n")
    found = score_run(tmp_path / "qrels", tmp_path / "run", measures=["rbp", "RBP(rel=1,p=0.5)", "RBP(rel=2)"])
    assert found.measures == pytest.approx(
        {
            "rbp": 0.1 * (0.5 + 0.9**2),
            "RBP(rel=1,p=0.5)": 0.5 * (1 + 0.5**2),
            "RBP(rel=2)": 0.2 * 0.8**2,
        }
    )
