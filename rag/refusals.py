"""What to say when the articles do not hold the answer: the reason, from facts of the library."""

from collections.abc import Sequence

from index.dates import date_interval, format_published
from index.library import Library
from index.types import Hit, SearchFilter
from rag.analysis import STOP_WORDS
from rag.evidence import Evidence
from rag.names import unify
from rag.types import Question, Refusal, RefusalReason

CLOSEST = 3
"""Passages that a refusal shows, the closest ones found."""


def refuse(
    reason: RefusalReason, question: Question, hits: Sequence[Hit], evidence: Sequence[Evidence], library: Library
) -> Refusal:
    """The refusal for a reason. `evidence` is what was found for each part of the question."""
    if reason == "empty_library":
        message = "The library is empty, so there is nothing to answer from. Add articles with: dateline index PATH"
    elif reason == "out_of_range":
        message = f"No article {_describe(question.filter)} was found. {_coverage(library)}"
    elif reason == "no_match":
        message = f"No passage of the articles matches the question. {_coverage(library)}"
    else:
        message = " ".join(["The articles do not hold the answer to this question.", *_reasons(evidence)])
    return Refusal(reason, message.strip(), tuple(hits[:CLOSEST]))


def unknown_names(evidence: Sequence[Evidence]) -> list[str]:
    """Names of the question of which no word occurs in any article, as they are written, each once."""
    found: dict[str, None] = {}
    for part in evidence:
        for name in part.profile.names:
            terms = [term for term in unify(name) if term not in STOP_WORDS and len(term) > 1]
            if terms and all(part.frequency.get(term, 0) == 0 for term in terms):
                found[name] = None
    return list(found)


def _reasons(evidence: Sequence[Evidence]) -> list[str]:
    reasons = []
    unknown = unknown_names(evidence)
    if unknown:
        reasons.append(f"No article mentions {_listed(unknown)}.")
    for part in evidence:
        expected = {"date": "a date", "number": "a number"}.get(part.profile.answer_type)
        top = part.sentences[:CLOSEST]
        if expected is not None and top and all(sentence.feature("type_absent") for sentence in top):
            reasons.append(f"It asks for {expected}, and none of the closest sentences holds one.")
    if evidence and not reasons:
        reasons.append("The closest passages are about something near it but do not say it.")
    return list(dict.fromkeys(reasons))


def _listed(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _describe(search_filter: SearchFilter) -> str:
    parts = []
    if search_filter.sources:
        parts.append(f"from {' or '.join(sorted(search_filter.sources))}")
    if search_filter.date_from is not None:
        parts.append(f"from {format_published(search_filter.date_from.isoformat())} on")
    if search_filter.date_to is not None:
        parts.append(f"up to {format_published(search_filter.date_to.isoformat())}")
    if search_filter.as_of is not None:
        parts.append(f"as of {format_published(search_filter.as_of.isoformat())}")
    return ", ".join(parts)


def _coverage(library: Library) -> str:
    """One sentence on what the library holds: how many articles, from when to when, and how many have no date."""
    articles = library.articles()
    dated = [
        (interval, format_published(article.published))
        for article in articles
        if article.published is not None and (interval := date_interval(article.published)) is not None
    ]
    count = f"{len(articles)} article{'s' if len(articles) != 1 else ''}"
    if not dated:
        return f"The library holds {count}, none with a date that has a year."
    first = min(dated, key=lambda entry: entry[0][0])[1]
    last = max(dated, key=lambda entry: entry[0][1])[1]
    span = f"dated {first}" if first == last else f"dated from {first} to {last}"
    undated = len(articles) - len(dated)
    if not undated:
        return f"The library holds {count}, {span}."
    are, have = ("is" if len(dated) == 1 else "are"), ("has" if undated == 1 else "have")
    return f"The library holds {count}: {len(dated)} {are} {span}, {undated} {have} no date with a year."
