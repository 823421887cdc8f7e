"""The sentences of a library's articles: remembered, so that an article is not split again for every question."""

from collections import OrderedDict
from collections.abc import Iterable

from index.sentence_edges import SentenceEdges
from index.store import Store

ARTICLES_REMEMBERED = 4_096
"""Articles whose sentences are remembered: 10 MB at 40 sentences of two numbers each."""


class SentenceReader:
    """Splits articles, or knows how they are split. An identifier is that of a text, so what it has never changes."""

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
            new = {name: SentenceEdges.of_text(text) for name, text in self._store.texts(unknown).items()}
            found |= new
            self._known |= new
            while len(self._known) > ARTICLES_REMEMBERED:
                self._known.popitem(last=False)
        return found
