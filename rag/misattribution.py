"""Is what a statement says that somebody said, said by somebody else in the article?"""

from collections.abc import Sequence

from index.patterns import late
from index.sentences import SPEECH_VERBS
from index.types import Span
from rag.attributions import is_person, named_speaker
from rag.evidence import Structure
from rag.names import unify
from rag.words import words_of

_ACCORDING = late(r"\b[Aa]ccording to (?P<who>(?:[A-Z][\w’'.-]*\s?){1,4})")
_NAME = r"[A-Z][\w’'-]*\w(?:\s[A-Z][\w’'-]*\w){0,3}"
_SAID_BY = late(rf"[\"”’'],?\s(?:{SPEECH_VERBS})\s(?:[a-z-]+\s){{1,4}}(?P<who>{_NAME})")
"""`"…," said team doctor Ann Lee`."""

_TITLES = frozenset("president minister secretary general senator governor mayor professor dr mr mrs ms judge".split())


def wrong_speaker(
    statement: str,
    quotes: Sequence[str],
    spans: Sequence[Span],
    text: str,
    structure: Structure,
    known: frozenset[str] = frozenset(),
) -> tuple[str, bool] | None:
    """The speaker that a statement names wrongly, and whether another one is known; `None` if nothing is against it.

    `spans` are the cited sentences in the article's `text`. Of these the one counts that has most of the words that the
    statement quotes (`quotes`), or where it quotes nothing, of its words besides the name. If the article gives its
    words to another person, they are not the named one's; if it gives them to nobody that is known, and the name is not
    in it, they need not be. A name whose terms are `known`, as that of the article's source, may be said to say it all.
    """
    named = _speaker_of(statement)
    if named is None or not is_person(named):
        return None
    name = set(unify(named)) - _TITLES
    if name <= known:
        return None
    said = words_of(" ".join(quotes) or statement).needed - name
    best: tuple[int, str, str | None] = (0, "", None)
    for span in spans:
        for index, sentence in enumerate(structure.spans):
            if sentence.start < span.end and span.start < sentence.end:
                own = text[sentence.start : sentence.end]
                speaker = structure.speakers[index]
                held = len(said & words_of(own).needed)
                best = max(best, (held, own, None if speaker is None else speaker.name), key=lambda one: one[0])
    _, sentence_text, speaker_name = best
    if speaker_name is not None and is_person(speaker_name):
        return None if name & set(unify(speaker_name)) else (named, True)
    return None if name & set(unify(sentence_text)) else (named, False)


def _speaker_of(statement: str) -> str | None:
    """Whose words a statement says that it gives, as far as it names them."""
    named = named_speaker(statement, False)
    if named is not None:
        return named
    behind = _ACCORDING.search(statement) or _SAID_BY.search(statement)
    return None if behind is None else behind["who"].strip()
