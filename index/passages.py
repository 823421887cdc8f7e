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
_WORD = re.compile(r"\S{1,500}\s*")


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence or a part of an over-long one, with its tokens and the headings above it."""

    span: Span
    tokens: int
    headings: tuple[str, ...]
    is_heading: bool


def split_article(article: Article, count_tokens: CountTokens, max_tokens: int) -> list[Passage]:
    """The passages of an article, in order.

    Each is a slice of the article's text that, with its context, has at most `max_tokens` tokens; every character
    that is not white space is in at least one. A passage holds whole sentences and repeats up to `OVERLAP_SENTENCES`
    of the passage before it; a sentence that is longer than the limit is split between words. A Markdown heading
    begins a passage.
    """
    title = "" if article.title == first_words(article.text) else article.title
    units = _units(article.text, count_tokens, max_tokens - int(max_tokens * CONTEXT_SHARE))
    passages: list[Passage] = []
    first = 0
    while first < len(units):
        context, context_tokens = _context(title, units[first].headings, count_tokens, int(max_tokens * CONTEXT_SHARE))
        end = _fill(article.text, units, first, max_tokens - context_tokens, context, count_tokens, max_tokens)
        start_char, end_char = units[first].span.start, units[end - 1].span.end
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


def _units(text: str, count_tokens: CountTokens, limit: int) -> list[_Unit]:
    spans = split_sentences(text)
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
    """Parts of a sentence that is too long for one passage, cut between words (or inside a word of 500 letters)."""
    words = [match.span() for match in _WORD.finditer(text, span.start, span.end)]
    counts = count_tokens([text[start:end].rstrip() for start, end in words])
    words, counts = _split_long_words(text, words, counts, count_tokens, limit)
    units: list[_Unit] = []
    start, tokens = words[0][0], 0
    for position, ((word_start, word_end), count) in enumerate(zip(words, counts, strict=True)):
        tokens += count
        following = counts[position + 1] if position + 1 < len(words) else None
        too_long = word_end - start > MAX_PASSAGE_CHARACTERS - 500
        if following is None or tokens + following > limit or too_long:
            end = word_start + len(text[word_start:word_end].rstrip())
            units.append(_Unit(Span(start, end), tokens, headings, False))
            start, tokens = word_end, 0
    return units


def _split_long_words(
    text: str, words: list[tuple[int, int]], counts: list[int], count_tokens: CountTokens, limit: int
) -> tuple[list[tuple[int, int]], list[int]]:
    """Halves words until each has at most `limit` tokens, which only tokenizers without a word limit need."""
    while any(count > limit and end - start > 1 for (start, end), count in zip(words, counts, strict=True)):
        halved: list[tuple[int, int]] = []
        for (start, end), count in zip(words, counts, strict=True):
            middle = (start + end) // 2
            halved.extend([(start, middle), (middle, end)] if count > limit and end - start > 1 else [(start, end)])
        words = halved
        counts = count_tokens([text[start:end] for start, end in words])
    return words, counts


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
