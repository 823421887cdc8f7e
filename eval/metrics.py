"""Scores of an answer's text and citations. All are in 0..1 and higher is better, unless they say otherwise."""

import re
import string
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from eval.citation_support import CitationSupport
from eval.types import ArticleSpan, CitationCounts, EvalQuestion, Gold, Scores
from index.errors import ArticleNotFoundError
from index.types import Article
from rag.refusals import PART_NOT_HELD
from rag.statements import SHORT_ANSWER

GOLD_OVERLAP = 0.5
"""Share of the shorter of a cited span and a gold quote that must be common to both: a citation may be one sentence
of a longer quote, or a sentence that holds a short quote, but a shared word at the edge is not the evidence."""

MIN_PLURAL_LETTERS = 3
"""Shortest last word of an accepted answer, in letters, that may have a plural ending in the text: `war` is in `wars`,
but `he` is not in `hes` and `US` not in `uss`."""

_QUOTES = str.maketrans({"‘": "'", "’": "'", "‚": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WORD = re.compile(r"[^\W_]+")
_FIRST_WORD = re.compile(r"[\W_]*([^\W_]+)")
_YES_OR_NO = frozenset({"yes", "no"})

_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Letters of scripts that write no space between words, or none before particles: Thai, Lao, Burmese, Khmer, Japanese,
Chinese, Korean. Where a word ends cannot be seen there."""


def fold(text: str) -> str:
    """The text as answers are compared: NFC, without case, straight quotes, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_QUOTES).casefold().split())


def contains(text: str, accepted: str) -> bool:
    """True if the folded text holds the folded accepted answer as whole words.

    The last word may have a plural or possessive ending in the text: `missile test` is in `missile tests`, `Moscow` in
    `Moscow's`, but `US` is not in `Russia`. A number must be whole: `5` is not in `15` or `5.2`. `yes` and `no` count
    as the first word of the text only, because later on they are words like any other.
    """
    wanted, given = fold(accepted), fold(text)
    if wanted.strip(string.punctuation) in _YES_OR_NO:
        first = _FIRST_WORD.match(given)
        return first is not None and first[1] == wanted.strip(string.punctuation)
    return bool(wanted) and _pattern(wanted).search(given) is not None


@lru_cache(maxsize=10_000)
def _pattern(wanted: str) -> re.Pattern[str]:
    first, last = wanted[0], wanted[-1]
    before = r"(?<![^\W_])" if first.isalnum() and not _UNSPACED.match(first) else ""
    after = r"(?![^\W_])" if last.isalnum() and not _UNSPACED.match(last) else ""
    if first.isdigit():
        before += r"(?<!\d[.,])"
    if last.isdigit():
        after += r"(?![.,]\d)"
    elif after and len(_WORD.findall(wanted)[-1]) >= MIN_PLURAL_LETTERS:
        after = (r"(?:es)?" if last in "sxzho" else "") + ("" if last == "s" else "s?") + after
    return re.compile(before + re.escape(wanted) + after)


def is_correct(text: str, question: EvalQuestion) -> bool:
    """True if the text holds any one of `answers`, or all of `answers_all`.

    This is the string recall that ALCE (Gao et al. 2023) scores short answers in long texts with, but all or nothing.
    It does not notice wrong additions: read it beside the length of the answers.
    """
    if any(contains(text, answer) for answer in question.answers):
        return True
    return bool(question.answers_all) and all(contains(text, answer) for answer in question.answers_all)


def squad_tokens(text: str) -> list[str]:
    """The tokens of SQuAD's evaluation script (Rajpurkar et al. 2016): no case, ASCII punctuation or articles (a, an,
    the). As there, typographic quotes are no punctuation.
    """
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def exact_match(text: str, accepted: Sequence[str]) -> bool:
    """True if the tokens of the text are those of one of the accepted answers (Rajpurkar et al. 2016)."""
    given = squad_tokens(text)
    return any(given == squad_tokens(answer) for answer in _with_tokens(accepted))


def token_f1(text: str, accepted: str) -> float:
    """Harmonic mean of precision and recall of the common tokens (Rajpurkar et al. 2016).

    Two texts without tokens agree (1), as in SQuAD 2.0's script; one without tokens scores 0.
    """
    given, wanted = squad_tokens(text), squad_tokens(accepted)
    if not given or not wanted:
        return float(given == wanted)
    common = sum((Counter(given) & Counter(wanted)).values())
    return 2 * common / (len(given) + len(wanted))


def best_f1(text: str, accepted: Sequence[str]) -> float:
    """Token F1 against the accepted text that fits best, 0 if there is none."""
    return max((token_f1(text, answer) for answer in _with_tokens(accepted)), default=0.0)


def _with_tokens(accepted: Sequence[str]) -> Sequence[str]:
    """The accepted answers without those that are nothing but articles and punctuation, unless all are (SQuAD 2.0)."""
    return [answer for answer in accepted if squad_tokens(answer)] or accepted


def best_rouge_l(text: str, accepted: Sequence[str]) -> float:
    """ROUGE-L (Lin 2004) against the accepted text that fits best, 0 if there is none.

    It is the F-measure of precision and recall of the longest common subsequence of words, by the package rouge_score,
    without stemming. Words are runs of letters and digits of any script without case; on ASCII text these are the
    tokens of rouge_score's own tokenizer, which drops every other letter.
    """
    return max((_rouge_l(answer, text) for answer in accepted), default=0.0)


def _rouge_l(accepted: str, text: str) -> float:
    return float(_rouge_scorer().score(accepted, text)["rougeL"].fmeasure)


@lru_cache(maxsize=1)
def _rouge_scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=False, tokenizer=_Words())


class _Words:
    """A tokenizer of rouge_score."""

    def tokenize(self, text: str) -> list[str]:
        return _WORD.findall(fold(text))


def answer_text(document: Mapping[str, Any]) -> str:
    """The text of an `ask --json` document without its `[n]`; brackets that are not its own citations stay.

    A last paragraph that only names the parts of the question that the articles do not hold is left out: it repeats
    the question, whose words must not count as answered.
    """
    text = str(document["answer"])
    before, _, last = text.rpartition("\n\n")
    if before and last.startswith(PART_NOT_HELD):
        text = before
    numbers = "|".join(str(citation["number"]) for citation in document["citations"])
    unmarked = re.sub(rf"\s*\[(?:{numbers})\]", "", text) if numbers else text
    return SHORT_ANSWER.sub(r"\1 — ", unmarked)


def short_answer(document: Mapping[str, Any]) -> str | None:
    """The short answer that an `ask --json` document begins with in bold, `None` if it has none or is a refusal."""
    found = None if document["refused"] else SHORT_ANSWER.match(str(document["answer"]))
    return None if found is None else found.group(1)


def cited_spans(document: Mapping[str, Any]) -> list[ArticleSpan]:
    """The characters that an `ask --json` document cites."""
    return [
        ArticleSpan(citation["article_id"], citation["start_char_index"], citation["end_char_index"])
        for citation in document["citations"]
    ]


def matches_gold(span: ArticleSpan, gold: ArticleSpan) -> bool:
    """True if both are in one article and share at least GOLD_OVERLAP of the shorter."""
    common = min(span.end, gold.end) - max(span.start, gold.start)
    shorter = min(span.end - span.start, gold.end - gold.start)
    return span.article_id == gold.article_id and common > 0 and common >= GOLD_OVERLAP * shorter


def gold_overlap(cited: Sequence[ArticleSpan], gold: Sequence[ArticleSpan]) -> float:
    """The share of the characters of the gold quotes that the citations hold.

    Characters are counted once, however often they are cited or quoted. A quote that an article holds in several places
    has a span for each; spans of one article with the same length are taken as such places, and only the one that is
    cited best (of equals the first) counts. Raises ValueError if there is no gold span.
    """
    if not gold:
        raise ValueError("overlap with no gold quote is undefined")
    held: dict[str, set[int]] = defaultdict(set)
    for span in cited:
        held[span.article_id].update(range(span.start, span.end))
    best: dict[tuple[str, int], tuple[int, ArticleSpan]] = {}
    for place in gold:
        key = (place.article_id, place.end - place.start)
        common = len(held[place.article_id].intersection(range(place.start, place.end)))
        if key not in best or common > best[key][0]:
            best[key] = (common, place)
    wanted = {(place.article_id, at) for _, place in best.values() for at in range(place.start, place.end)}
    return sum(at in held[article_id] for article_id, at in wanted) / len(wanted) if wanted else 0.0


def score_answer(
    question: EvalQuestion,
    gold: Gold | None,
    text: str | None,
    cited: Sequence[ArticleSpan],
    *,
    refused: bool = False,
    support: CitationSupport | None = None,
    short_answer: str | None = None,
) -> Scores:
    """The scores of an answer's text (without marks), its cited spans, and how well these support it.

    `text` is `None` for a refusal and for a question that failed; both score 0, and only a refusal is `refused`.
    Of an unanswerable question only the refusal, the length and the citations' support are scored. Exact match and F1
    with short accepted answers are of `short_answer` where the answer begins with one, else of the whole text.
    """
    said = text if short_answer is None else short_answer
    short = (*question.answers, *((" ".join(question.answers_all),) if question.answers_all else ()))
    can_match, can_compare = question.answerable and bool(short), question.answerable and bool(question.accepted)
    wanted = gold if question.answerable else None
    quotes = () if wanted is None else wanted.spans
    spans = () if text is None else cited
    return Scores(
        answerable=question.answerable,
        refused=refused,
        contains=(text is not None and is_correct(text, question)) if can_match else None,
        exact_match=(said is not None and exact_match(said, short)) if can_match else None,
        f1=(0.0 if text is None else best_f1((said or "") if short else text, question.accepted))
        if can_compare
        else None,
        rouge_l=(0.0 if text is None else best_rouge_l(text, question.accepted)) if can_compare else None,
        gold_quote=any(matches_gold(span, quote) for span in spans for quote in quotes) if quotes else None,
        gold_overlap=gold_overlap(spans, quotes) if quotes else None,
        gold_article=None if wanted is None else any(span.article_id in wanted.article_ids for span in spans),
        citation_recall=None if support is None else support.recall,
        citation_precision=None if support is None else support.precision,
        words=None if text is None else len(text.split()),
    )


def count_citations(document: Mapping[str, Any], find_article: Callable[[str], Article]) -> CitationCounts:
    """Counts over an `ask --json` document. A citation is exact if the article has those characters at that place.

    `find_article` gives the article of an identifier, or raises ArticleNotFoundError.
    """
    return CitationCounts(
        citations=len(document["citations"]),
        exact_citations=sum(_is_exact(citation, find_article) for citation in document["citations"]),
        statements=len(document["statements"]),
        cited_statements=sum(bool(statement["citations"]) for statement in document["statements"]),
    )


def _is_exact(citation: Mapping[str, Any], find_article: Callable[[str], Article]) -> bool:
    start, end = citation["start_char_index"], citation["end_char_index"]
    try:
        text = find_article(citation["article_id"]).text
    except ArticleNotFoundError:
        return False
    return 0 <= start < end <= len(text) and text[start:end] == str(citation["cited_text"])
