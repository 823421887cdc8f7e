"""What a page or a file shows of a kept answer, as plain text ready to be escaped."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from index.dates import format_published
from index.errors import DatelineError
from index.types import Article, SearchFilter, first_words
from rag.citations import CONTEXT_CHARACTERS
from rag.types import Answer, Citation
from rag.verification import Verification
from ui.answer_pieces import Piece, answer_paragraphs
from ui.backend import Backend
from ui.exchanges import Exchange
from ui.texts import Texts

CLOSEST_SHOWN = 5
CLOSEST_CHARACTERS = 400
"""Passages shown under a refusal, and characters of each: enough to see what the library held."""


@dataclass(frozen=True, slots=True)
class CitationView:
    """A citation. `place` is the address that shows the words, empty if there is none any more; `now` is the same where
    they have moved. `fate` says what became of them, empty where nobody looked. `url` is empty unless it is a web
    address."""

    number: int
    title: str
    known: str
    url: str
    prefix: str
    text: str
    suffix: str
    place: str
    verdict: str
    fate: str
    now: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    """An answer; `key` begins the identifiers of its citations. `fate` sums up what became of the cited words."""

    key: str
    identifier: str
    question: str
    understood: str
    when: str
    refusal: str
    closest: tuple[Mapping[str, str], ...]
    paragraphs: tuple[Sequence[Piece], ...]
    notices: tuple[str, ...]
    citations: tuple[CitationView, ...]
    fate: str
    fate_kind: str
    facts: tuple[tuple[str, str], ...]


Fates = Sequence[Verification] | str
"""What became of each citation, or the sentence that says why nobody could look."""


def fates_of(answer: Answer | None, backend: Backend) -> Fates:
    """What became of the cited words, by the library's newest state."""
    try:
        return [backend.verify(citation) for citation in (answer.citations if answer is not None else ())]
    except DatelineError as error:
        return str(error)


def view_of(
    exchange: Exchange, backend: Backend, texts: Texts, *, key: str = "cited", in_page: bool = True
) -> AnswerView:
    """The exchange with what became of its cited words. `in_page`: citations lead into the page, else to the articles
    of the same file."""
    answer = exchange.answer
    fates = fates_of(answer, backend)
    known = {} if isinstance(fates, str) else {fate.citation.number: fate for fate in fates}
    fate, kind = fate_sentence(fates, texts)
    notices = list(answer.notices) if answer is not None else []
    if exchange.note:
        notices.append(exchange.note)
    if answer is None and not notices:
        notices.append(texts("kept.running" if exchange.state == "running" else "kept.unanswered"))
    if answer is not None and answer.incomplete and not notices:
        notices.append(texts("kept.incomplete"))
    understood = "" if answer is None else answer.standalone_question
    refusal = None if answer is None else answer.refusal
    written = answer is not None and refusal is None
    return AnswerView(
        key=key,
        identifier=exchange.exchange_id,
        question=exchange.question.strip(),
        understood="" if understood.strip() == exchange.question.strip() else understood,
        when=f"{texts('kept.asked')}: {moment(exchange.asked)}",
        refusal="" if refusal is None else refusal.message,
        closest=() if refusal is None else _closest(answer, backend),
        paragraphs=tuple(answer_paragraphs(answer, texts)) if answer is not None and written else _so_far(exchange),
        notices=tuple(notices),
        citations=tuple(
            _citation(citation, known.get(citation.number), texts, in_page)
            for citation in sorted(answer.citations if answer is not None else (), key=lambda one: one.number)
        ),
        fate=fate,
        fate_kind=kind,
        facts=tuple(_facts(exchange, texts)),
    )


def fate_sentence(fates: Fates, texts: Texts) -> tuple[str, str]:
    """One sentence on all citations, and `good` or `changed`; both are empty where nothing is cited."""
    if isinstance(fates, str):
        return texts("kept.unchecked", reason=fates), "changed"
    if not fates:
        return "", ""
    counts = {verdict: sum(fate.verdict == verdict for fate in fates) for verdict in ("moved", "edited", "gone")}
    there = sum(fate.ok for fate in fates)
    if there == len(fates):
        said = texts.count("kept.all_there", there)
        return (f"{said} {texts.count('kept.now_elsewhere', counts['moved'])}" if counts["moved"] else said), "good"
    parts = [texts.count(f"kept.count_{verdict}", counts[verdict]) for verdict in ("edited", "gone") if counts[verdict]]
    parts += [texts.count("kept.count_there", there)] if there else []
    return texts("kept.changed", what="; ".join(parts)), "changed"


def file_name(origin: str) -> str:
    """The last part of an origin: the file's name, never its folder on the server. A web address stays whole."""
    return origin if is_web(origin) else origin.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


def is_web(address: str | None) -> bool:
    """True for an address that may be a link."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def moment(asked: str) -> str:
    """`2026-11-25T03:52:36.123+00:00` → `25 November 2026, 03:52 UTC`."""
    return f"{format_published(asked[:10])}, {asked[11:16]} UTC"


def filter_words(search_filter: SearchFilter, texts: Texts) -> str:
    """The filter in words, empty where nothing is filtered."""
    days = {"from": search_filter.date_from, "to": search_filter.date_to, "as_of": search_filter.as_of}
    said = [texts(f"kept.filter_{name}", day=format_published(day.isoformat())) for name, day in days.items() if day]
    if search_filter.sources:
        said.append(texts("kept.filter_sources", sources=", ".join(sorted(search_filter.sources))))
    return ", ".join(said)


def _citation(citation: Citation, fate: Verification | None, texts: Texts, in_page: bool) -> CitationView:
    address = next((known for known in (citation.url, citation.origin) if known and is_web(known)), "")
    known = [citation.source, citation.published and format_published(citation.published)]
    known.append(None if is_web(citation.origin) else file_name(citation.origin))
    known.append(texts("kept.characters", start=citation.start, end=citation.end))
    now = f"/#read-{fate.article_id}-{fate.start}-{fate.end}" if fate is not None and fate.ok else ""
    if fate is None:  # nobody could look: the page says what is wrong
        now = f"/#read-{citation.article_id}-{citation.start}-{citation.end}"
    return CitationView(
        number=citation.number,
        title=citation.title,
        known=" · ".join(part for part in known if part),
        url=address,
        prefix=_from_word(citation.prefix),
        text=citation.cited_text,
        suffix=_from_word(citation.suffix[::-1])[::-1],
        place=now if in_page else f"#article-{citation.article_id}",
        verdict="" if fate is None else fate.verdict,
        fate="" if fate is None else texts(f"kept.fate_{fate.verdict}", start=fate.start, end=fate.end),
        now=now if in_page and fate is not None and fate.verdict == "moved" else "",
    )


def _from_word(context: str) -> str:
    """The characters before a citation without the part of a word that they begin with, marked with dots; they are the
    beginning of the article if they are fewer than are kept."""
    if len(context) < CONTEXT_CHARACTERS:
        return context
    cut = re.search(r"\s\S", context)
    return "…" + (context if cut is None else context[cut.start() :])


def _closest(answer: Answer | None, backend: Backend) -> tuple[Mapping[str, str], ...]:
    found = []
    for hit in answer.refusal.closest[:CLOSEST_SHOWN] if answer is not None and answer.refusal is not None else ():
        article = article_or_none(backend, hit.passage.article_id)
        published = article.published if article is not None else None
        known = [article.title, article.source, published and format_published(published)] if article else []
        text = first_words(hit.passage.text, CLOSEST_CHARACTERS)
        place = f"/#read-{hit.passage.article_id}-{hit.passage.start}-{hit.passage.end}"
        found.append({"known": " · ".join(part for part in known if part), "text": text, "place": place})
    return tuple(found)


def article_or_none(backend: Backend, article_id: str) -> Article | None:
    """The article, if the library still has it and can be read."""
    try:
        return backend.article(article_id)
    except DatelineError:
        return None


def _so_far(exchange: Exchange) -> tuple[Sequence[Piece], ...]:
    """What there is of an answer that never came to its end."""
    refused = exchange.answer is not None and exchange.answer.refused
    return () if refused or not exchange.text.strip() else ([Piece("text", exchange.text)],)


def _facts(exchange: Exchange, texts: Texts) -> list[tuple[str, str]]:
    answer = exchange.answer
    facts = [(texts("kept.asked"), moment(exchange.asked))]
    if answer is None or (answer.model != exchange.model):
        facts.append((texts("kept.model_asked"), exchange.model))
    if answer is not None:
        facts.append((texts("kept.model"), answer.model))
        facts.append((texts("kept.confidence"), f"{answer.confidence:.0%}"))
    filtered = filter_words(exchange.filter, texts)
    if filtered:
        facts.append((texts("kept.filter"), filtered))
    if answer is not None:
        if answer.prompt is not None:
            facts.append((texts("kept.prompt"), answer.prompt.template_sha256))
        facts.append((texts("kept.generation"), str(answer.library_generation)))
    return [*facts, (texts("kept.identifier"), exchange.exchange_id)]
