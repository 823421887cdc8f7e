"""A statement of a model and the passages it names → the places to cite for it, and how well they support it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

from index.dates import format_published
from index.sentences import split_sentences
from index.types import Article, Hit, Span
from rag.contradictions import Finding
from rag.evidence import sentences_of
from rag.likeness import Likeness
from rag.marks import disarm_marks
from rag.misattribution import wrong_speaker
from rag.quotations import fold, is_quoted_from, stands_in
from rag.support import PARTIAL_COVERAGE, Judgement, coverage, judge
from rag.types import Problem
from rag.words import Words, words_of

MAX_SENTENCES = 3
"""Most sentences of one passage that are cited for one statement; more would be the passage, not the evidence."""

MIN_GAIN = 0.1
"""Share of a statement's needed terms that a further sentence must add to be cited, unless it adds a name or number.
On the development claims of WiCE against whole pages, the coverage by the sentences so chosen separates supported
claims with AUROC .799 for .1, .795 for .05 and .759 for .2."""

REQUIRED_BONUS = 1.0
"""What a name or number that a sentence adds counts besides the term that it is (.799 with 1, .794 with .5, .791 with
0 in the same measurement)."""

Place = tuple[str, Span]
"""The `article_id` of an article and characters of its text."""


class StatementChecker(Protocol):
    """Says how well the sentences of the articles support a statement; `name` stands in messages and reports."""

    @property
    def name(self) -> str: ...

    def judge(
        self,
        statement: str,
        evidence: Sequence[str],
        *,
        found: Sequence[Finding] = (),
        known: frozenset[str] = frozenset(),
        sources: Sequence[str] = (),
    ) -> Judgement:
        """See `rag.support.judge`; the texts are given as they are written. `sources` says for each text of the
        evidence what article it is from: title, source and date. Raises `ModelError`."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """The places that are cited for a statement, what the check says of them, and how exactly quoted words stand there
    (see `rag.types.Statement`)."""

    places: tuple[Place, ...]
    judgement: Judgement
    quoted: Literal["exact", "normalised"] | None


@dataclass(frozen=True)
class CitablePassage:
    """A passage of the prompt with the places of its sentences in the article, and their words."""

    article: Article
    whole: Span
    sentences: tuple[Span, ...]
    words: tuple[Words, ...] = field(repr=False)

    @classmethod
    def of(cls, hit: Hit, article: Article) -> "CitablePassage":
        """The passage of a hit in its article."""
        start, end = hit.passage.start, hit.passage.end
        spans = tuple(Span(start + span.start, start + span.end) for span in split_sentences(article.text[start:end]))
        words = tuple(words_of(disarm_marks(article.text[span.start : span.end])) for span in spans)
        return cls(article, Span(start, end), spans, words)

    @cached_property
    def folded(self) -> str:
        """The article's whole text, folded, for quotations."""
        return fold(disarm_marks(self.article.text))

    @cached_property
    def described(self) -> str:
        """Title, source and date of the article, as far as they are known."""
        return ". ".join(part for part in (self.article.title, self._source_and_date) if part)

    @cached_property
    def about(self) -> Words:
        """What a statement may take from the article besides its text: source and date. Not the title: its names may be
        of anybody."""
        return words_of(self._source_and_date)

    @property
    def _source_and_date(self) -> str:
        published = self.article.published
        about = [self.article.source, format_published(published) if published else None]
        return ". ".join(part for part in about if part)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The sentences of a passage that were chosen for a statement, in order, and their words together."""

    passage: CitablePassage
    chosen: tuple[int, ...]
    words: Words
    share: float

    @property
    def places(self) -> list[Place]:
        """The sentences' places; neighbours are one."""
        places: list[Span] = []
        for index in self.chosen:
            place = self.passage.sentences[index]
            if places and not self.passage.article.text[places[-1].end : place.start].strip():
                place = Span(places.pop().start, place.end)
            places.append(place)
        return [(self.passage.article.article_id, place) for place in places]


class WordChecker:
    """Judges by words alone: no encoder, no model."""

    name = "words"
    _likeness: Likeness | None = None

    def judge(
        self,
        statement: str,
        evidence: Sequence[str],
        *,
        found: Sequence[Finding] = (),
        known: frozenset[str] = frozenset(),
        sources: Sequence[str] = (),
    ) -> Judgement:
        """See `rag.support.judge`."""
        return judge(
            words_of(statement),
            [words_of(text) for text in evidence],
            found=found,
            known=known,
            likeness=self._likeness,
            texts=(statement, evidence),
        )


class EncoderChecker(WordChecker):
    """Judges by words and by an encoder, whose vectors tell how near words are in meaning."""

    name = "words and encoder"

    def __init__(self, likeness: Likeness) -> None:
        self._likeness = likeness


def check_statement(
    text: str,
    quotes: Sequence[str],
    named: Sequence[CitablePassage],
    passages: Sequence[CitablePassage],
    checker: StatementChecker | None = None,
) -> Checked:
    """The places to cite for a statement, best knowledge first from the passages it names, and its support.

    `quotes` are the quotations that the statement is part of. What the named passages do not bear out is looked for in
    the others, and cited from there if one of them supports it; a statement that names none and is supported by none
    has no place.
    """
    checker = checker or WordChecker()
    statement = words_of(text)
    found = [_narrow(statement, passage) for passage in named]
    carrying = [evidence for evidence in found if evidence.share >= PARTIAL_COVERAGE]
    best = _judged(text, quotes, carrying or found, checker)
    if best.judgement.support in ("unsupported", "partial"):
        others = [_narrow(statement, passage) for passage in passages]
        for other in sorted(others, key=lambda evidence: -evidence.share):
            if other.share < PARTIAL_COVERAGE:
                break
            checked = _judged(text, quotes, [other], checker)
            if checked.judgement.support in ("verbatim", "supported"):
                return checked
    if carrying or best.judgement.entailed:
        return best
    whole = tuple(dict.fromkeys((passage.article.article_id, passage.whole) for passage in named))
    judgement = Judgement("unsupported", best.judgement.problems, best.judgement.probability)
    return Checked(whole, judgement, best.quoted)


def _judged(text: str, quotes: Sequence[str], evidence: Sequence[_Evidence], checker: StatementChecker) -> Checked:
    """The judgement of a statement by the evidence, with what is quoted in it and who is said to have said it."""
    sentences = [
        disarm_marks(each.passage.article.text[span.start : span.end])
        for each in evidence
        for span in (each.passage.sentences[index] for index in each.chosen)
    ]
    found: list[Finding] = []
    exactness = [_exactness(quote, evidence) for quote in quotes]
    found += [
        Finding(Problem("quotation", quote), True) for quote, how in zip(quotes, exactness, strict=True) if not how
    ]
    known = frozenset().union(*(_known_besides(each) for each in evidence))
    for each in evidence:
        article = each.passage.article
        spans = [each.passage.sentences[index] for index in each.chosen]
        wrong = wrong_speaker(text, quotes, spans, article.text, sentences_of(article.article_id, article.text), known)
        found += [Finding(Problem("speaker", wrong[0]), wrong[1])] if wrong else []
    sources = [each.passage.described for each in evidence for _ in each.chosen]
    judgement = checker.judge(text, sentences, found=found, known=known, sources=sources)
    quoted: Literal["exact", "normalised"] | None = None
    if judgement.support == "verbatim" or (exactness and None not in exactness):
        is_exact = all(how == "exact" for how in exactness) if exactness else _stands(text, sentences)
        quoted = "exact" if is_exact else "normalised"
    places = dict.fromkeys(place for each in evidence for place in each.places)
    return Checked(tuple(places), judgement, quoted)


def _stands(text: str, sentences: Sequence[str]) -> bool:
    return any(text.strip(" .") in sentence for sentence in sentences)


def _exactness(quote: str, evidence: Sequence[_Evidence]) -> Literal["exact", "normalised"] | None:
    """How a quotation stands in the articles of the evidence; `None` if in none of them."""
    if any(quote in each.passage.article.text for each in evidence):
        return "exact"
    if any(is_quoted_from(quote, each.passage.folded) for each in evidence):
        return "normalised"
    return None


def _known_besides(evidence: _Evidence) -> frozenset[str]:
    """The terms that a statement may take from the source and the date of the article.

    A part of the date counts only where the cited sentences give no such part themselves: "in June" said of an article
    of June that tells of no other month.
    """
    about, own = evidence.passage.about, evidence.words
    terms = {term for token in about.tokens if token.kind == "name" for term in token.terms}
    dates = [token for token in own.tokens if token.kind == "date"]
    has_year = any(token.text.isdecimal() for token in dates)
    has_month = any(not token.text.isdecimal() for token in dates)
    for index, token in enumerate(about.tokens):
        if token.kind == "date" and not (has_year if token.text.isdecimal() else has_month):
            terms |= token.terms
        beside = about.tokens[max(0, index - 1) : index + 2]
        if token.kind == "number" and not has_month and any(other.kind == "date" for other in beside):
            terms |= token.terms
    return frozenset(terms)


def choose_sentences(statement: Words, sentences: Sequence[Words]) -> list[int]:
    """The sentences that carry a statement, in their order: the best one, and others as long as they add to it."""
    chosen = [index for index, words in enumerate(sentences) if stands_in(statement.folded, words.folded)][:1]
    covered: frozenset[str] = sentences[chosen[0]].needed if chosen else frozenset()
    required = (statement.names & statement.content) | statement.numbers
    while not chosen or (statement.needed - covered and len(chosen) < MAX_SENTENCES):
        gains = [statement.needed & words.needed - covered for words in sentences]
        worth = [len(gain) + REQUIRED_BONUS * len(gain & required) for gain in gains]
        best = max(range(len(gains)), key=lambda index: worth[index], default=None)
        if best is None or not gains[best]:
            break
        if chosen and not gains[best] & required and len(gains[best]) < MIN_GAIN * len(statement.needed):
            break
        chosen.append(best)
        covered |= sentences[best].needed
    return sorted(chosen)


def _narrow(statement: Words, passage: CitablePassage) -> _Evidence:
    chosen = choose_sentences(statement, passage.words)
    words = Words.union([passage.words[index] for index in chosen])
    return _Evidence(passage, tuple(chosen), words, coverage(statement, words))
