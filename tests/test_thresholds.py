"""Limits on the figures of a report: what is understood, what holds, and what is said."""

import math
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.report import report_json
from eval.summary import summarise
from eval.thresholds import Threshold, check_names, parse_threshold
from eval.types import EvalQuestion, Manifest, QuestionResult, QuestionSet, Scores
from index.errors import InputError


def figure(value, low=None, high=None, n=80):
    return {"value": value, "low": low, "high": high, "n": n}


REPORT = {
    "set": "news.jsonl",
    "n": 120,
    "retrieval": {"passage": {"nDCG@10": figure(0.71, 0.62, 0.79)}, "article": {"nDCG@10": figure(0.8)}},
    "answers": {
        "contains": figure(0.87, 0.79, 0.93),
        "f1": figure(0.4111111, 0.35, 0.47),
        "rouge_l": figure(None, n=0),
    },
    "refusals": {"false_rate": figure(0.04, 0.01, 0.1), "ece": figure(math.nan)},
    "by_type": {
        "follow-up": {"n": 12, "contains": figure(0.5, 0.25, 0.75, 12)},
        "a.b c": {"n": 3, "contains": figure(1.0)},
        "a": {"n": 4, "b c": {"contains": figure(0.0)}, "d": figure(0.3)},
        "x<=2": {"n": 1, "contains": figure(0.25)},
        "value": {"n": 2, "contains": figure(0.75)},
    },
    "baselines": {"top_passage": {"contains": figure(0.6)}},
    "timings_ms": {"total": {"p50": figure(80.04, 70, 90), "p95": figure(1234.56, 1100.26, 1400, 120)}},
    "failures": [{"id": "q", "error": "away"}],
    "judge": {},
    "clusters": None,
    "flag": True,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("refusals.false_rate<=0.05", ("refusals.false_rate", "<=", 0.05)),
        ("answers.contains >= .9", ("answers.contains", ">=", 0.9)),
        (" timings_ms.total.p95<1e3 ", ("timings_ms.total.p95", "<", 1000.0)),
        ("retrieval.passage.nDCG@10>0.7", ("retrieval.passage.nDCG@10", ">", 0.7)),
        ("by_type.a.b c.contains==1", ("by_type.a.b c.contains", "==", 1.0)),
        ("by_type.x<=2.contains>=0.2", ("by_type.x<=2.contains", ">=", 0.2)),
        ("n>-1", ("n", ">", -1.0)),
        ("answers.f1>=+1.", ("answers.f1", ">=", 1.0)),
    ],
)
def test_expressions_that_are_understood(text, expected):
    parsed = parse_threshold(text)
    assert (parsed.path, parsed.operator, parsed.limit) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "answers.contains",
        "answers.contains=0.9",
        "answers.contains=>0.9",
        "answers.contains!=0.9",
        "answers.contains>=",
        "answers.contains>=90%",
        "answers.contains>=nan",
        "answers.contains>=1e999",
        "answers.contains>=0,9",
        ">=0.9",
        "  >=0.9",
        "0.9<=answers.contains",
    ],
)
def test_malformed_expressions_show_the_form(text):
    with pytest.raises(InputError, match=r"is not a limit; write a figure .* 'answers\.contains>=0\.9'") as caught:
        parse_threshold(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "answers.contains>=0.87",
        "answers.contains<=0.87",
        "answers.contains==0.87",
        "answers.contains>0.86",
        "answers.contains<0.88",
        "answers.contains.value>=0.87",
        "answers.contains.low>=0.79",
        "answers.contains.high<0.94",
        "answers.contains.n==80",
        "n>=100",
        "retrieval.passage.nDCG@10>=0.7",
        "by_type.follow-up.contains>=0.5",
        "by_type.follow-up.n==12",
        "by_type.x<=2.contains==0.25",
        "by_type.value.contains==0.75",
        "baselines.top_passage.contains<0.61",
        "timings_ms.total.p95<=1234.56",
        "failures<=1",
    ],
)
def test_limits_that_are_kept(text):
    assert parse_threshold(text).check(REPORT) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("answers.contains>=0.9", "answers.contains is 0.87 (95% interval 0.79 to 0.93, n=80), not >= 0.9"),
        ("answers.contains<0.87", "answers.contains is 0.87 (95% interval 0.79 to 0.93, n=80), not < 0.87"),
        ("answers.contains>0.87", "answers.contains is 0.87 (95% interval 0.79 to 0.93, n=80), not > 0.87"),
        ("answers.contains==0.9", "answers.contains is 0.87 (95% interval 0.79 to 0.93, n=80), not == 0.9"),
        ("answers.contains==0.8", "answers.contains is 0.87 (95% interval 0.79 to 0.93, n=80), not == 0.8"),
        ("answers.contains.low>=0.85", "answers.contains.low is 0.79, not >= 0.85"),
        ("refusals.false_rate <= 0.03", "refusals.false_rate is 0.04 (95% interval 0.01 to 0.1, n=80), not <= 0.03"),
        ("answers.f1>=0.5", "answers.f1 is 0.411 (95% interval 0.35 to 0.47, n=80), not >= 0.5"),
        # Rounded, it would seem to be 0.411.
        ("answers.f1<=0.411", "answers.f1 is 0.4111111 (95% interval 0.35 to 0.47, n=80), not <= 0.411"),
        ("timings_ms.total.p95<1e3", "timings_ms.total.p95 is 1234.6 (95% interval 1100.3 to 1400, n=120), not < 1e3"),
        ("baselines.top_passage.contains>0.8", "baselines.top_passage.contains is 0.6 (n=80), not > 0.8"),
        ("n>=500", "n is 120, not >= 500"),
        ("failures==0", "failures is 1, not == 0"),
        ("answers.rouge_l>=0.1", "answers.rouge_l was never measured, so it is not >= 0.1"),
        ("answers.rouge_l<=0.1", "answers.rouge_l was never measured, so it is not <= 0.1"),
        ("answers.rouge_l.low<=1", "answers.rouge_l.low was never measured, so it is not <= 1"),
        ("clusters>=1", "clusters was never measured, so it is not >= 1"),
        ("refusals.ece<=1", "refusals.ece is not a finite number (nan), so it is not <= 1"),
        ("refusals.ece>=0", "refusals.ece is not a finite number (nan), so it is not >= 0"),
    ],
)
def test_limits_that_are_not_kept_say_how(text, said):
    assert parse_threshold(text).check(REPORT) == said


def test_the_longest_key_that_fits_is_taken_and_a_dead_end_is_left_again():
    # "a.b c" is a type, and "b c" is also a key of the type "a".
    assert parse_threshold("by_type.a.b c.contains==1").check(REPORT) is None
    # The type "a.b c" has no "n.x", and "a" leads on to "d" where nothing longer fits.
    assert parse_threshold("by_type.a.d==0.3").check(REPORT) is None
    # A figure of the type "a" rather than the type "a.contains" as a whole.
    alike = {"by_type": {"a.contains": {"f1": figure(0.1)}, "a": {"contains": figure(0.5)}}}
    assert parse_threshold("by_type.a.contains==0.5").check(alike) is None
    only_short = {"by_type": {"a.b": {"n": 1}, "a": {"b.contains": figure(0.5)}}}
    assert parse_threshold("by_type.a.b.contains==0.5").check(only_short) is None


@pytest.mark.parametrize(("operator", "holds"), [("<=", True), (">=", True), ("==", True), ("<", False), (">", False)])
def test_a_value_that_differs_only_by_how_it_was_added_is_equal(operator, holds):
    # 0.1 + 0.2 is 0.30000000000000004.
    said = Threshold("a.b", operator, 0.3, "0.3").check({"a": {"b": figure(0.1 + 0.2)}})
    assert (said is None) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("answer.contains>=1", r"no figure 'answer\.contains'; there is 'answers\.contains'"),
        ("answers.contain>=1", r"no figure 'answers\.contain'; there is 'answers\.contains'"),
        ("nDCG@10>=1", r"there is 'retrieval\.passage\.nDCG@10', 'retrieval\.article\.nDCG@10'\."),
        ("answers.contains.middle>=1", r"no figure 'answers\.contains\.middle'"),
        ("zzz>=1", r"no figure 'zzz'; there is 'n', "),
        ("answers>=1", r"'answers' is a group of figures; name one of them, such as 'answers\.contains', "),
        ("judge>=1", r"'judge' is a group of figures; name one of them, but it is empty"),
        ("by_type.follow-up>=1", r"them, such as 'by_type\.follow-up\.n', 'by_type\.follow-up\.contains'\."),
        ("set>=1", r"'set' is 'news\.jsonl' in the report, which is not a number"),
        ("flag>=1", r"'flag' is True in the report"),
        ("n.value>=1", r"no figure 'n\.value'"),
    ],
)
def test_names_that_the_report_does_not_have(text, message):
    threshold = parse_threshold(text)
    with pytest.raises(InputError, match=message):
        threshold.check(REPORT)
    with pytest.raises(InputError, match=message):
        check_names([parse_threshold("n>=1"), threshold], REPORT)


def test_names_that_an_empty_report_does_not_have():
    with pytest.raises(InputError, match="there is none"):
        parse_threshold("n>=1").check({})


def test_names_are_checked_whatever_the_values():
    check_names([parse_threshold("answers.contains>=1"), parse_threshold("answers.rouge_l>=1")], REPORT)


NEWS = QuestionSet("news.jsonl", "dateline", "0" * 64, (EvalQuestion("1", "?", type="a.b c"), EvalQuestion("2", "?")))


def report_of_a_run():
    """The report of a run of NEWS that answered one question and refused the other."""
    answer = {"answer": "12 cents", "refused": False, "confidence": 0.9, "timings_ms": {"total": 10.0}}
    scores = Scores(answerable=True, refused=False, contains=True, words=2)
    results = [
        QuestionResult(NEWS.questions[0], answer, None, scores, baselines={"top_passage": scores}),
        QuestionResult(NEWS.questions[1], {**answer, "refused": True}, None, replace(scores, refused=True)),
    ]
    known = {"settings": {"k": 10}, "machine": {}, "packages": {}, "seed": 1, "library_generation": 1}
    manifest = Manifest(**{field.name: known.get(field.name, "") for field in fields(Manifest)})
    return report_json(summarise(results, manifest=manifest))


def paths_of(node, prefix=""):
    for key, value in node.items():
        if isinstance(value, dict):
            yield from paths_of(value, f"{prefix}{key}.")
        elif not isinstance(value, str):
            yield f"{prefix}{key}"


def test_every_number_of_a_report_is_let_through_before_and_after_there_is_one():
    report = report_of_a_run()
    paths = set(paths_of(report)) - {"risk_coverage", "reliability"}
    assert {"answers.contains.low", "by_type.a.b c.nDCG@10.value", "timings_ms.total.p95.n", "failures"} <= paths
    limits = [Threshold(path, ">=", 0.5, "0.5") for path in paths]
    check_names(limits, NEWS)
    check_names(limits, report)
    assert parse_threshold("answers.contains>=0.9").check(report) is None


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("answer.contains", r"no figure 'answer\.contains'; there is 'answers'\."),
        ("timing_ms.total.p95", r"no figure 'timing_ms\.total\.p95'; there is 'timings_ms'\."),
        ("answers.contain", r"no figure 'answers\.contain'; there is 'answers\.contains'"),
        ("retrieval.passage.nDCG@5", r"there is 'retrieval\.passage\.nDCG@10', "),
        ("by_type.fact.contains", r"no figure 'by_type\.fact\.contains'; there is 'by_type\."),
        ("by_type.untypd.f1", r"there is 'by_type\.untyped\.f1'"),
        ("by_type", r"is a group of figures"),
    ],
)
def test_what_no_report_can_have_is_said_before_there_is_one(path, message):
    with pytest.raises(InputError, match=message):
        check_names([Threshold(path, ">=", 0.5, "0.5")], NEWS)


KEYS = st.text(st.sampled_from("ab. -@"), min_size=1, max_size=4).filter(lambda key: key.strip() == key)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, st.floats(0, 1), min_size=1), min_size=1))
def test_every_figure_is_reached_by_its_path(groups):
    report = {name: {key: figure(value) for key, value in inside.items()} for name, inside in groups.items()}
    values = {}
    for name, inside in report.items():
        for key, found in inside.items():
            values.setdefault(f"{name}.{key}", set()).add(found["value"])
    for path, possible in values.items():
        # Two places may be written alike ("a" in "b.c" and "a.b" in "c"): one of them is found.
        said = [parse_threshold(f"{path}=={value!r}").check(report) for value in possible]
        assert None in said
