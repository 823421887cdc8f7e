"""The sentences of a library's articles: kept with them, so that none is split again for every question."""

from collections import OrderedDict
from collections.abc import Iterable

from index.sentence_edges import SentenceEdges
from index.store import Store

ARTICLES_REMEMBERED = 4_096
"""Articles whose sentences are remembered: 10 MB at 40 sentences of two numbers each."""

SPLIT_AT_A_TIME = 500
"""Articles whose texts are in memory at once while their sentences are filled in."""


class SentenceReader:
    """Reads how articles are split, or splits those of which it is not kept.

    An identifier is that of a text, so what is known of it never changes.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[str, SentenceEdges] = OrderedDict()

    def of(self, article_ids: Iterable[str]) -> dict[str, SentenceEdges]:
        """The sentences of articles by identifier; those of unknown ones are left out."""
        found: dict[str, SentenceEdges] = {}
        unknown = []
        for name in dict.fromkeys(article_ids):
            if name in self._known:
                self._known.move_to_end(name)
                found[name] = self._known[name]
            else:
                unknown.append(name)
        if unknown:
            new = self._kept(unknown)
            lacking = [name for name in unknown if name not in new]
            if lacking:
                new |= {name: SentenceEdges.of_text(text) for name, text in self._store.texts(lacking).items()}
            found |= new
            self._known |= new
            while len(self._known) > ARTICLES_REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _kept(self, article_ids: Iterable[str]) -> dict[str, SentenceEdges]:
        """What the library keeps, as far as it is sound and of today's rules."""
        read = {name: SentenceEdges.from_bytes(kept) for name, kept in self._store.sentences(article_ids).items()}
        return {name: edges for name, edges in read.items() if edges is not None}

    def count_lacking(self) -> int:
        """Of how many articles the sentences are not kept, or are damaged, or were found by other rules."""
        return len(self._lacking())

    def fill(self) -> None:
        """Keeps the sentences that are lacking. Raises `LibraryWriteError`."""
        names = self._lacking()
        for first in range(0, len(names), SPLIT_AT_A_TIME):
            texts = self._store.texts(names[first : first + SPLIT_AT_A_TIME])
            self._store.put_sentences({name: SentenceEdges.of_text(text).to_bytes() for name, text in texts.items()})

    def _lacking(self) -> list[str]:
        return [
            name for name, kept in self._store.all_sentences() if kept is None or SentenceEdges.from_bytes(kept) is None
        ]
