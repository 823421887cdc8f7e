"""What to say when the articles do not hold the answer: the reason, from facts of the library."""

import re
from collections.abc import Sequence
from datetime import date

from index.dates import date_interval, format_published
from index.library import Library
from index.types import ArticleSummary, Hit, SearchFilter, first_words
from rag.analysis import QUOTATION, SPEECH, STOP_WORDS, QuestionProfile
from rag.evidence import Evidence
from rag.features import content_terms
from rag.marks import disarm_marks
from rag.names import unify
from rag.people import subject_of
from rag.types import Question, Refusal, RefusalReason

CLOSEST = 3
"""Passages that a refusal shows, the closest ones found."""

MAX_REASONS = 2
"""Most reasons that a refusal gives, so that it stays at three short sentences."""

PART_CHARACTERS = 200
"""Of a part of the question that the articles do not hold, the characters that are quoted."""

PART_NOT_HELD = "The articles do not hold: "
"""How the sentence begins that names the parts of the question without an answer, behind the answer to the others."""

_YEAR_AS_DATE = re.compile(
    r"(?:\b(?:in|since|during|of|from|until|till|by|before|after|between|late|early|"
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)(?: \d{1,2},?)?) |"
    r"(?<=\b\d{4}) (?:and|or|to) )((?:1[6-9]|20)\d\d)\b(?![\d,.-]*\d)(?! [a-z]+s\b)"
)
"""A year that stands as a date, unlike the numbers of "resolution 1718" and "of 2000 soldiers"."""


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
        message = " ".join(
            ["The articles do not hold the answer to this question.", *_reasons(question, evidence, hits, library)]
        )
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


def parts_not_held(parts: Sequence[str]) -> str:
    """The sentence that says which parts of a question are not answered; it holds no mark, whatever they hold."""
    quoted = [disarm_marks(first_words(part.strip().rstrip("?.! "), PART_CHARACTERS)) for part in parts]
    return f"{PART_NOT_HELD}{_listed(quoted)}."


def _reasons(question: Question, evidence: Sequence[Evidence], hits: Sequence[Hit], library: Library) -> list[str]:
    """The plainest reasons first, at most `MAX_REASONS`; each is a fact of the library or of what was found."""
    reasons = []
    unknown = unknown_names(evidence)
    if unknown:
        reasons.append(f"No article mentions {_listed(unknown)}.")
    if question.filter.is_empty:
        reasons += [reason for part in evidence if (reason := _outside_dates(part, library)) is not None]
    else:
        reasons.append(f"Only articles {_describe(question.filter)} were searched.")
    reasons += [reason for part in evidence if (reason := _silent_speaker(part)) is not None]
    if not unknown:
        reasons += [reason for part in evidence if (reason := _never_together(part, hits)) is not None]
    for part in evidence:
        expected = {"date": "a date", "number": "a number"}.get(part.profile.answer_type)
        top = part.sentences[:CLOSEST]
        if expected is not None and top and all(sentence.feature("type_absent") for sentence in top):
            reasons.append(f"It asks for {expected}, and none of the closest sentences holds one.")
    if evidence and not reasons:
        reasons.append("The closest passages are about something near it but do not say it.")
    return list(dict.fromkeys(reasons))[:MAX_REASONS]


def _outside_dates(part: Evidence, library: Library) -> str | None:
    """That the question asks about a time before or after all articles with a date, and no sentence found names it."""
    asked = _asked_times(part.profile)
    # All articles are listed only where the question names a time.
    dated = [interval for interval, _ in _dated(library.articles())] if asked else []
    if not dated:
        return None
    first, last = min(start for start, _ in dated), max(end for _, end in dated)
    for time in asked:
        days = date_interval(time)
        if days is None or (days[1] >= first and days[0] <= last):
            return None
        if any(time[:4] in sentence.candidate.text for sentence in part.sentences):
            return None
    times = " and ".join(format_published(time) for time in asked)
    coverage = _coverage(library)
    return f"It asks about {times}; {coverage[0].lower()}{coverage[1:]}"


def _asked_times(profile: QuestionProfile) -> list[str]:
    """The years of a question in order, as `2019`, or as `2019-05` if it names one month and one year."""
    years = list(dict.fromkeys(_YEAR_AS_DATE.findall(profile.full_text)))
    if len(years) == len(profile.months) == 1:
        return [f"{years[0]}-{month:02}" for month in profile.months]
    return years


def _silent_speaker(part: Evidence) -> str | None:
    """That the question asks for the words of somebody who is mentioned, but whose words no passage found reports.

    A sentence that has the name beside any word of saying or a quotation may report them.
    """
    speaker = subject_of(part.profile.text) if part.profile.asks_speech else None
    terms = [] if speaker is None else [term for term in unify(speaker) if not term.startswith("=")]
    if not terms or part.frequency.get(terms[-1], 0) == 0 or not part.sentences:
        return None
    for sentence in part.sentences:
        candidate = sentence.candidate
        if candidate.speaker is not None and content_terms(candidate.speaker.name) & set(terms):
            return None
        says = SPEECH.search(candidate.text) or QUOTATION.search(candidate.text)
        if says and content_terms(candidate.text) & set(terms):
            return None
    return f"None of the passages found reports words of {speaker}."


def _never_together(part: Evidence, hits: Sequence[Hit]) -> str | None:
    """That each name of the question is in a passage found, and no passage has all of them, not even by a word each."""
    names = _distinct(part.profile.names)
    passages = [unify(hit.passage.text) for hit in hits]
    if len(names) < 2 or not all(any(_holds(passage, terms) for passage in passages) for terms in names.values()):
        return None
    if any(all(set(terms) & set(passage) for terms in names.values()) for passage in passages):
        return None
    found = "both" if len(names) == 2 else "all of them"
    return f"The articles mention {_listed(list(names), 'and')}, but no passage found mentions {found}."


def _distinct(names: Sequence[str]) -> dict[str, list[str]]:
    """The terms of each name, of names that share a term only those of the first."""
    distinct: dict[str, list[str]] = {}
    for name in names:
        terms = [term for term in unify(name) if term not in STOP_WORDS]
        if terms and not any(set(terms) & set(other) for other in distinct.values()):
            distinct[name] = terms
    return distinct


def _holds(passage: Sequence[str], terms: Sequence[str]) -> bool:
    """True if the terms stand in the passage one after the other."""
    size = len(terms)
    return any(list(passage[start : start + size]) == list(terms) for start in range(len(passage) - size + 1))


def _listed(names: Sequence[str], joint: str = "or") -> str:
    quoted = [f"“{name}”" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {joint} {quoted[-1]}"


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
    dated = _dated(articles)
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


def _dated(articles: Sequence[ArticleSummary]) -> list[tuple[tuple[date, date], str]]:
    """Of each article with a year, the first and last day that fit its date, and the date in words."""
    return [
        (interval, format_published(article.published))
        for article in articles
        if article.published is not None and (interval := date_interval(article.published)) is not None
    ]
