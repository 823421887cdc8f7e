"""Scores of answers, citations and confidences. All are in 0..1 and higher is better, unless they say otherwise."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from eval.types import ArticleSpan, CitationCounts, EvalQuestion, Gold, Scores
from index.errors import ArticleNotFoundError
from index.types import Article
from rag.types import Answer, Citation

CALIBRATION_BINS = 10
"""Equal-width bins of the calibration error; with the few hundred answers of a set, more would be mostly empty."""

GOLD_OVERLAP = 0.5
"""Share of the shorter of a cited span and a gold quote that must be common to both: a citation may be one sentence
of a longer quote, or a sentence that holds a short quote, but a shared word at the edge is not the evidence."""

_QUOTES = str.maketrans({"‘": "'", "’": "'", "‚": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def fold(text: str) -> str:
    """The text as answers are compared: NFC, without case, straight quotes, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_QUOTES).casefold().split())


def contains(text: str, accepted: str) -> bool:
    """True if the folded text holds the folded accepted answer.

    A number must be whole: `5` is not in `15` or `5.2`, while `missile test` is in `missile tests`.
    """
    wanted = fold(accepted)
    before = r"(?<!\d)(?<!\d[.,])" if wanted[:1].isdigit() else ""
    after = r"(?!\d)(?![.,]\d)" if wanted[-1:].isdigit() else ""
    return bool(wanted) and re.search(before + re.escape(wanted) + after, fold(text)) is not None


def is_correct(text: str, question: EvalQuestion) -> bool:
    """True if the text holds any one of `answers`, or all of `answers_all`.

    This is the string recall that ALCE (Gao et al. 2023) scores short answers in long texts with, but all or nothing.
    It does not notice wrong additions: read it beside the length of the answers.
    """
    if any(contains(text, answer) for answer in question.answers):
        return True
    return bool(question.answers_all) and all(contains(text, answer) for answer in question.answers_all)


def squad_tokens(text: str) -> list[str]:
    """The tokens of SQuAD's evaluation script (Rajpurkar et al. 2016): no case, punctuation or articles (a, an, the).

    Quotes are straightened first, so that typographic ones count as punctuation too.
    """
    return _ARTICLES.sub(" ", fold(text).translate(_PUNCTUATION)).split()


def token_f1(text: str, accepted: str) -> float:
    """Harmonic mean of precision and recall of the common tokens (Rajpurkar et al. 2016).

    Two texts without tokens agree (1), as in SQuAD 2.0's script; one without tokens scores 0.
    """
    given, wanted = squad_tokens(text), squad_tokens(accepted)
    if not given or not wanted:
        return float(given == wanted)
    common = sum((Counter(given) & Counter(wanted)).values())
    return 2 * common / (len(given) + len(wanted))


def best_f1(text: str, question: EvalQuestion) -> float:
    """Token F1 against the accepted answer that fits best; `answers_all` together are one accepted answer."""
    accepted = [*question.answers, *([" ".join(question.answers_all)] if question.answers_all else [])]
    return max((token_f1(text, answer) for answer in accepted), default=0.0)


def without_marks(answer: Answer) -> str:
    """The answer's text without its `[n]`; brackets that are not its own citations stay."""
    numbers = "|".join(str(citation.number) for citation in answer.citations)
    return re.sub(rf"\s*\[(?:{numbers})\]", "", answer.text) if numbers else answer.text


def matches_gold(span: ArticleSpan, gold: ArticleSpan) -> bool:
    """True if both are in one article and share at least GOLD_OVERLAP of the shorter."""
    common = min(span.end, gold.end) - max(span.start, gold.start)
    shorter = min(span.end - span.start, gold.end - gold.start)
    return span.article_id == gold.article_id and common > 0 and common >= GOLD_OVERLAP * shorter


def score_answer(
    question: EvalQuestion, gold: Gold | None, text: str | None, cited: Sequence[ArticleSpan], *, refused: bool = False
) -> Scores:
    """The scores of an answer's text (without marks) and cited spans.

    `text` is `None` for a refusal and for a question that failed; both score 0, and only a refusal is `refused`.
    """
    answerable = question.answerable
    wanted = gold if answerable else None
    spans = () if text is None else cited
    return Scores(
        refused=refused,
        contains=(text is not None and is_correct(text, question)) if answerable else None,
        f1=(0.0 if text is None else best_f1(text, question)) if answerable else None,
        gold_quote=None if wanted is None else any(matches_gold(s, quote) for s in spans for quote in wanted.spans),
        gold_article=None if wanted is None else any(s.article_id in wanted.article_ids for s in spans),
        words=None if text is None else len(text.split()),
    )


def count_citations(answer: Answer, find_article: Callable[[str], Article]) -> CitationCounts:
    """Counts over one answer. A citation is exact if the article exists and has those characters at that place.

    A statement with a citation is the precondition of ALCE's citation recall (Gao et al. 2023); whether the citation
    supports it is not judged here.
    """
    return CitationCounts(
        citations=len(answer.citations),
        exact_citations=sum(_is_exact(citation, find_article) for citation in answer.citations),
        statements=len(answer.statements),
        cited_statements=sum(bool(statement.citations) for statement in answer.statements),
    )


def _is_exact(citation: Citation, find_article: Callable[[str], Article]) -> bool:
    try:
        text = find_article(citation.article_id).text
    except ArticleNotFoundError:
        return False
    in_range = 0 <= citation.start < citation.end <= len(text)
    return in_range and text[citation.start : citation.end] == citation.cited_text


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """The chance that a random positive scores above a random negative, ties counting half; `None` if a side is empty.

    It is the area under the ROC curve and the rank-sum statistic U / (n₊ n₋) of Mann & Whitney (1947); 0.5 is chance.
    """
    if not len(positive) or not len(negative):
        return None
    ordered = np.sort(np.asarray(negative, dtype=np.float64))
    values = np.asarray(positive, dtype=np.float64)
    below = np.searchsorted(ordered, values, side="left")
    not_above = np.searchsorted(ordered, values, side="right")
    return float((below + not_above).sum() / (2 * len(positive) * len(negative)))


def calibration_bins(confidences: Sequence[float]) -> npt.NDArray[np.int64]:
    """The bin of each confidence, 0..9: `(0.1 i, 0.1 (i + 1)]`, and 0 itself in the first."""
    edges = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    return np.digitize(np.asarray(confidences, dtype=np.float64), edges, right=True).astype(np.int64)


def expected_calibration_error(confidences: Sequence[float], correct: Sequence[bool]) -> float | None:
    """The mean gap between confidence and accuracy over bins, weighted by size; lower is better; `None` if empty.

    Naeini et al. (2015) and Guo et al. (2017): Σ |bin| / n · |accuracy(bin) - mean confidence(bin)|.
    """
    if not len(confidences):
        return None
    gaps = np.asarray(correct, dtype=np.float64) - np.asarray(confidences, dtype=np.float64)
    sums = np.bincount(calibration_bins(confidences), weights=gaps)
    return float(np.abs(sums).sum() / len(gaps))
