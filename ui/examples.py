"""Questions that an empty conversation offers, made from what the library holds."""

from collections import Counter
from collections.abc import Sequence

from index.errors import ArticleNotFoundError
from index.sentences import split_sentences
from index.types import ArticleSummary
from rag.speakers import find_speakers
from ui.backend import Backend

EXAMPLES = 3
"""Questions offered: enough to show what can be asked."""

ARTICLES_READ = 12
"""Articles looked at for them; the page waits for it."""

CHARACTERS_READ = 20_000
"""Characters looked at in each of them, for the same reason; news articles are shorter."""

FEWEST_STATEMENTS = 2
"""Sentences that must report a person's words before they are asked for."""


def example_questions(backend: Backend, summaries: Sequence[ArticleSummary]) -> list[str]:
    """At most `EXAMPLES` questions: what the person said who speaks most in an article, else what a title is about."""
    people: dict[str, str] = {}
    for summary in summaries[:ARTICLES_READ]:
        speaker = _main_speaker(backend, summary)
        if speaker is not None:
            people.setdefault(speaker.split()[-1], speaker)
        if len(people) == EXAMPLES:
            break
    if people:
        return [f"What did {person} say?" for person in people.values()]
    titles = dict.fromkeys(summary.title.strip(" .…[]") for summary in summaries[:EXAMPLES])
    return [f"What is known about “{title}”?" for title in titles]


def _main_speaker(backend: Backend, summary: ArticleSummary) -> str | None:
    try:
        text = backend.article(summary.article_id).text[:CHARACTERS_READ]
    except ArticleNotFoundError:
        return None
    speakers = find_speakers(text, list(split_sentences(text)))
    counted = Counter(speaker.name for speaker in speakers if speaker is not None).most_common(1)
    return counted[0][0] if counted and counted[0][1] >= FEWEST_STATEMENTS else None
