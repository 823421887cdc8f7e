"""What a report calls its figures, which way each is better, and how numbers and foreign words are written in it."""

import re
from typing import Literal

from eval.types import Figure
from index.types import first_words

Direction = Literal["higher", "lower", "neither"]

LABELS = {
    "contains": "holds an accepted answer",
    "exact_match": "exact match",
    "f1": "token F1",
    "rouge_l": "ROUGE-L",
    "no_answer": "no-answer right",
    "overall_exact_match": "overall exact match",
    "overall_f1": "overall token F1",
    "mean_words": "mean words",
    "exactness": "citations exact",
    "recall": "citation recall",
    "precision": "citation precision",
    "gold_quote": "cites a gold quote",
    "gold_overlap": "gold quote overlap",
    "gold_article": "cites a gold article",
    "statements_cited": "statements cited",
    "mean_citations": "mean citations",
    "rejected": "unanswerable refused",
    "false_rate": "answerable refused",
    "auroc": "confidence AUROC",
    "aurc": "risk-coverage AURC",
    "coverage_at_5_risk": "coverage at 5% risk",
    "ece": "calibration error",
    "coverage": "coverage",
    "faithfulness": "faithfulness",
    "relevancy": "answer relevancy",
    "nuggets": "nuggets",
    "failed": "judgement failed",
    "nuggets_agree_contains": "nuggets as accepted",
    "nuggets_kappa_contains": "kappa of nuggets",
    "faithfulness_agree_support": "faithful as supported",
    "faithfulness_kappa_support": "kappa of faithfulness",
    "keyword_only": "keyword only",
    "dense_only": "dense only",
    "top_passage": "top passage",
    "keyword_top_passage": "keyword top",
    "always_refuse": "always refuse",
    "extractive": "extractive",
    "without_reader": "without reader",
}
"""What a table calls a figure or a baseline; others go by their own name."""

SHORT_LABELS = {
    "keyword_only": "keyword",
    "dense_only": "dense",
    "top_passage": "top",
    "keyword_top_passage": "kw top",
    "always_refuse": "refuse",
    "extractive": "extract",
    "without_reader": "unread",
}
"""Headings of baselines where a line of a terminal has no room for their labels."""

MEANINGS = {
    "contains": "answerable questions whose answer holds what is accepted; a refusal counts 0",
    "exact_match": "the answer is an accepted one after SQuAD's normalisation",
    "f1": "shared words of the answer and the nearest accepted one, SQuAD's normalisation",
    "rouge_l": "longest common subsequence with the nearest accepted text, F-measure",
    "no_answer": "unanswerable questions that were refused",
    "overall_exact_match": "as SQuAD 2.0 counts: a refusal is right where there is no answer",
    "overall_f1": "as SQuAD 2.0 counts: a refusal is right where there is no answer",
    "mean_words": "length of a given answer",
    "exactness": "citations whose words stand in the article at that place",
    "recall": "ALCE: statements that all their cited words together support",
    "precision": "ALCE: citations that their statement needs",
    "gold_quote": "answers that cite characters of a gold quote",
    "gold_overlap": "share of the gold quotes that is cited",
    "gold_article": "answers that cite an article with evidence",
    "statements_cited": "statements that carry a citation",
    "mean_citations": "citations of a given answer",
    "rejected": "unanswerable questions that were refused",
    "false_rate": "answerable questions that got no answer: refused or failed",
    "auroc": "how well confidence separates answerable questions from the others",
    "aurc": "area under the risk-coverage curve",
    "coverage_at_5_risk": "share of questions that can be answered with 5% of the answers wrong",
    "ece": "distance of the confidence from the share that is right",
    "coverage": "share of questions that got an answer",
    "faithfulness": "opinion: the answer follows from what it cites",
    "relevancy": "opinion: the answer is about the question",
    "nuggets": "opinion: the parts of the accepted answer that are in it",
    "failed": "judgements that could not be had or understood",
    "nuggets_agree_contains": "agreement: as often as the nugget score and the accepted answers say the same",
    "nuggets_kappa_contains": "agreement beyond chance (Cohen's kappa, -1 to 1)",
    "faithfulness_agree_support": "agreement: 1 minus the mean difference from citation recall",
    "faithfulness_kappa_support": "agreement beyond chance (Cohen's kappa, -1 to 1)",
}
"""One line about a figure, for those who read the page and not the documentation."""

LOWER_IS_BETTER = frozenset({"false_rate", "aurc", "ece", "failed"})
UNDIRECTED = frozenset({"mean_words", "mean_citations", "coverage"})
"""Lengths and shares that say what a system does, not how well."""

DIRECTION_MARKS = {"higher": "", "lower": " ↓", "neither": " ~"}
DIRECTION_LEGEND = "Higher is better, except: ↓ lower is better, ~ neither. Intervals are 95%."

# C0 and C1 controls but tab and line feed, line separators, bidirectional controls (Unicode UAX #9), byte order marks,
# tag characters, and surrogates, which no file in UTF-8 can hold.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def label(name: str) -> str:
    """What a figure or a baseline is called, on one line."""
    return LABELS.get(name) or one_line(name.replace("_", " "))


def direction(name: str) -> Direction:
    """Which values of a figure are better."""
    if name in LOWER_IS_BETTER:
        return "lower"
    return "neither" if name in UNDIRECTED else "higher"


def marked_label(name: str) -> str:
    """The label with the mark of `DIRECTION_LEGEND` behind it."""
    return label(name) + DIRECTION_MARKS[direction(name)]


def visible(text: str) -> str:
    """The text with characters that steer a terminal or turn the reading order as visible escapes: ESC is `\\x1b`."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: str) -> str:
    """The text on one line, everything in it visible."""
    return visible(" ".join(text.split()))


def shortened(text: str, limit: int) -> str:
    """The beginning of a text on one line of at most `limit` characters, everything in it visible."""
    return first_words(visible(text), limit)


def format_number(value: float) -> str:
    """Three decimals, one from 10 on, none from 1,000 on."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def format_value(figure: Figure) -> str:
    """The value, `-` where it is undefined."""
    return "-" if figure.value is None else format_number(figure.value)


def format_interval(figure: Figure) -> str:
    """The interval as `0.829 to 0.962`, `-` where there is none."""
    if figure.low is None or figure.high is None:
        return "-"
    return f"{format_number(figure.low)} to {format_number(figure.high)}"


def format_figure(figure: Figure) -> str:
    """The value with its interval in parentheses."""
    return format_value(figure) if figure.low is None else f"{format_value(figure)} ({format_interval(figure)})"


def format_seconds(seconds: float) -> str:
    """A duration as `0.41 s`, `12.3 s`, `4 min 10 s` or `2 h 05 min`."""
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
