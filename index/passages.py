"""Passages of an article: whole sentences, overlapping, never longer than the encoder reads."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.sentences import split_sentences
from index.types import Article, Passage, Span, first_words

OVERLAP_SENTENCES = 2
"""Most sentences that a passage repeats of the one before it, so that a statement and its "he said" stay together."""

OVERLAP_SHARE = 0.25
"""Largest share of a passage's tokens that may be repetition."""

CONTEXT_SHARE = 0.25
"""Largest share of the encoder's limit that the title and heading path may take."""

MAX_PASSAGE_CHARACTERS = 4_000
"""Bounds passages of text that a tokenizer counts as almost nothing, such as one word of a million letters."""

CountTokens = Callable[[Sequence[str]], list[int]]
"""Numbers of tokens of texts, special tokens left out, by the encoder's own tokenizer."""

_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S.*?)[ \t]*#*$")
_WORD = re.compile(r"\S{1,500}")
_WHITE_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence or a part of an over-long one, with its tokens and the headings above it."""

    span: Span
    tokens: int
    headings: tuple[str, ...]
    is_heading: bool


def split_article(
    article: Article, count_tokens: CountTokens, max_tokens: int, sentences: Sequence[Span] | None = None
) -> list[Passage]:
    """The passages of an article, in order; `sentences` are those of its text, if they are known already.

    Each is a slice of the article's text that, with its context, has at most `max_tokens` tokens; every character
    that is not white space is in at least one. A passage holds whole sentences and repeats up to `OVERLAP_SENTENCES`
    of the passage before it; a sentence that is longer than the limit is split between words. A Markdown heading
    begins a passage.
    """
    title = "" if article.title == first_words(article.text) else article.title
    known = split_sentences(article.text) if sentences is None else sentences
    units = _units(article.text, known, count_tokens, max_tokens - int(max_tokens * CONTEXT_SHARE))
    passages: list[Passage] = []
    first = covered = 0
    while first < len(units):
        context, context_tokens = _context(title, units[first].headings, count_tokens, int(max_tokens * CONTEXT_SHARE))
        end = _fill(article.text, units, first, max_tokens - context_tokens, context, count_tokens, max_tokens)
        if end <= covered:
            # What is repeated left no room for anything new.
            first += 1
            continue
        covered = end
        start_char, end_char = units[first].span.start, units[end - 1].span.end
        if end - first == 1:
            context = _shortened(context, article.text[start_char:end_char], count_tokens, max_tokens)
        passages.append(
            Passage(
                passage_id=f"{article.article_id}:{start_char}-{end_char}",
                article_id=article.article_id,
                start=start_char,
                end=end_char,
                text=article.text[start_char:end_char],
                context=context,
            )
        )
        first = _next_first(units, first, end, max_tokens)
    return passages


def encoder_input(passage: Passage) -> str:
    """What the encoder is given for a passage: its context on a line of its own, then its text."""
    return f"{passage.context}\n{passage.text}" if passage.context else passage.text


def context_length(passage: Passage) -> int:
    """Characters that `encoder_input` has in front of the passage's text."""
    return len(encoder_input(passage)) - len(passage.text)


def _units(text: str, spans: Sequence[Span], count_tokens: CountTokens, limit: int) -> list[_Unit]:
    counts = count_tokens([text[span.start : span.end] for span in spans])
    units: list[_Unit] = []
    headings: list[tuple[int, str]] = []
    for span, tokens in zip(spans, counts, strict=True):
        sentence = text[span.start : span.end]
        heading = _HEADING.match(sentence)
        if heading is not None:
            level = len(heading.group(1))
            headings = [above for above in headings if above[0] < level]
        path = tuple(name for _, name in headings)
        if heading is not None:
            headings.append((level, heading.group(2)))
        if tokens <= limit and span.end - span.start <= MAX_PASSAGE_CHARACTERS:
            units.append(_Unit(span, tokens, path, heading is not None))
        else:
            units.extend(_split_long(text, span, path, count_tokens, limit))
    return units


def _split_long(text: str, span: Span, headings: tuple[str, ...], count_tokens: CountTokens, limit: int) -> list[_Unit]:
    """Parts of a sentence that is too long for one passage, cut between words (or inside a word that is too long)."""
    words = [match.span() for match in _WORD.finditer(text, span.start, span.end)]
    counts = count_tokens([text[start:end] for start, end in words])
    parts: list[Span] = []
    (start, end), tokens = words[0], 0
    for (word_start, word_end), count in zip(words, counts, strict=True):
        if word_start > start and (tokens + count > limit or word_end - start > MAX_PASSAGE_CHARACTERS):
            parts.append(Span(start, end))
            start, tokens = word_start, 0
        end, tokens = word_end, tokens + count
    parts.append(Span(start, end))
    parts, counts = _halve_long(text, parts, count_tokens, limit)
    return [_Unit(part, count, headings, False) for part, count in zip(parts, counts, strict=True)]


def _halve_long(text: str, parts: list[Span], count_tokens: CountTokens, limit: int) -> tuple[list[Span], list[int]]:
    """The parts with their tokens, halved until each has at most `limit` tokens.

    Needed for single words, and for tokenizers by which words together have more tokens than one by one.
    """
    counts = count_tokens([text[part.start : part.end] for part in parts])
    while any(count > limit and part.end - part.start > 1 for part, count in zip(parts, counts, strict=True)):
        halved: list[Span] = []
        for part, count in zip(parts, counts, strict=True):
            halved.extend(_halves(text, part) if count > limit and part.end - part.start > 1 else [part])
        parts = halved
        counts = count_tokens([text[part.start : part.end] for part in parts])
    return parts, counts


def _halves(text: str, part: Span) -> list[Span]:
    """Two parts, cut at the white space nearest to the middle, or in the middle if there is none."""
    middle = (part.start + part.end) // 2
    gaps = [match.span() for match in _WHITE_SPACE.finditer(text, part.start, part.end)]
    before, after = min(gaps, key=lambda gap: abs(gap[0] - middle), default=(middle, middle))
    return [Span(part.start, before), Span(after, part.end)]


def _context(title: str, headings: tuple[str, ...], count_tokens: CountTokens, limit: int) -> tuple[str, int]:
    """The title and heading path in front of a passage, cut between words to `limit` tokens, and its tokens."""
    parts = [title] if title else []
    parts.extend(heading for heading in headings if heading != title)
    words = " › ".join(parts).split()
    while words:
        context = " ".join(words)
        tokens = count_tokens([context])[0]
        if tokens <= limit:
            return context, tokens
        words = words[: max(1, len(words) * limit // (tokens + 1))] if len(words) > 1 else []
    return "", 0


def _shortened(context: str, text: str, count_tokens: CountTokens, max_tokens: int) -> str:
    """The context with as many of its words as fit in front of the text, for tokenizers that count both as more."""
    words = context.split()
    while words and count_tokens(["\n".join([" ".join(words), text])])[0] > max_tokens:
        words.pop()
    return " ".join(words)


def _fill(
    text: str,
    units: list[_Unit],
    first: int,
    budget: int,
    context: str,
    count_tokens: CountTokens,
    max_tokens: int,
) -> int:
    """Index behind the last unit that fits into a passage that begins with `units[first]`."""
    end, tokens = first + 1, units[first].tokens
    start_char = units[first].span.start
    while (
        end < len(units)
        and not (units[end].is_heading and not units[end - 1].is_heading)
        and tokens + units[end].tokens <= budget
        and units[end].span.end - start_char <= MAX_PASSAGE_CHARACTERS
    ):
        tokens += units[end].tokens
        end += 1
    # Tokens of sentences add up for word-piece tokenizers; for others the whole is counted again.
    while end - first > 1:
        whole = text[start_char : units[end - 1].span.end]
        if count_tokens([f"{context}\n{whole}" if context else whole])[0] <= max_tokens:
            break
        end -= 1
    return end


def _next_first(units: list[_Unit], first: int, end: int, max_tokens: int) -> int:
    """Where the next passage begins: some sentences before `end`, so that it overlaps and still brings a new one."""
    if end >= len(units):
        return len(units)
    if units[end].is_heading:
        return end
    start, repeated = end, 0
    while end - start < OVERLAP_SENTENCES and start - 1 > first:
        repeated += units[start - 1].tokens
        if repeated > max_tokens * OVERLAP_SHARE or units[start - 1].is_heading:
            break
        start -= 1
    # The repeated sentences must leave room for at least the next new one.
    while start < end and sum(unit.tokens for unit in units[start : end + 1]) > max_tokens * (1 - CONTEXT_SHARE):
        start += 1
    return start
