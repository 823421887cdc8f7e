"""The tokens of a library's passages and of questions: encoded, kept, and compared with each other."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from index.encoder import Encoder, TokenVectors
from index.passages import context_length, encoder_input
from index.sentence_edges import NO_SENTENCES, SentenceEdges
from index.store import Store
from index.types import Passage, Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from index.answer_spans import ShortAnswer
    from index.interaction import PassageMatch, PassageTokens
    from index.matching import SentenceMatch, TokenBlock

PASSAGES_AT_A_TIME = 512
"""Passages whose missing tokens are filled in by one commit: what is kept of them is 4 MB at 254 tokens."""

TOKEN_CACHE_SIZE = 512
"""Passages whose tokens are remembered where none are kept: 200 MB at 256 tokens of 384 numbers."""

MATCHED_AT_A_TIME = 128
"""Passages that are compared with a question at once: as many as a search usually has; 34 MB for a question and
passages of 256 tokens."""

ROWS_REMEMBERED = 4_096
"""Passages whose rows are remembered: those of the last few dozen questions, in half a megabyte."""

QUESTION_CACHE_SIZE = 64
"""Questions whose tokens are remembered: each is asked of several searches and several sentences."""


class TokenReader:
    """Reads passages and questions token by token. `encoder` gives the library's encoder, loading it if need be;
    `digest` is that of its weights, by which the fitted numbers for it are found."""

    def __init__(self, store: Store, encoder: Callable[[], Encoder], digest: str) -> None:
        self._store = store
        self._encoder = encoder
        self._digest = digest
        self._passages: OrderedDict[tuple[str, str], PassageTokens] = OrderedDict()
        self._questions: OrderedDict[str, TokenVectors] = OrderedDict()
        self._rows: OrderedDict[str, int] = OrderedDict()

    def encode(self, passages: Sequence[Passage]) -> "tuple[NDArray[np.float32], list[bytes]]":
        """The vectors of passages, shape (n, dimension), and what is kept of their tokens; of the latter nothing where
        there is no projection for the encoder."""
        import numpy as np

        from index.interaction import passage_tokens, projection_of

        if not passages:
            return np.zeros((0, 0), dtype=np.float32), []
        projection = projection_of(self._digest)
        if projection is None:
            return self._encoder().encode([encoder_input(passage) for passage in passages]), []
        encoder = self._encoder()
        vectors = np.empty((len(passages), encoder.dimension), dtype=np.float32)
        kept = [b""] * len(passages)
        for position, read in encoder.read([encoder_input(passage) for passage in passages]):
            vectors[position] = read.vector
            kept[position] = passage_tokens(read, context_length(passages[position]), projection).to_bytes()
        return vectors, kept

    def count_lacking(self) -> int:
        """How many passages have no tokens, or damaged ones, though there is a projection for the encoder."""
        return len(self._lacking())

    def fill(self) -> None:
        """Encodes and keeps the tokens that passages lack. Raises `LibraryWriteError`."""
        rows = self._lacking()
        for first in range(0, len(rows), PASSAGES_AT_A_TIME):
            some = rows[first : first + PASSAGES_AT_A_TIME]
            found = self._store.passages(some)
            _, kept = self.encode([found[row] for row in some])
            self._store.put_tokens(dict(zip(some, kept, strict=True)))

    def _lacking(self) -> list[int]:
        from index.interaction import PassageTokens, projection_of

        projection = projection_of(self._digest)
        if projection is None:
            return []
        return [
            row
            for row, kept in self._store.all_tokens()
            if kept is None or PassageTokens.from_bytes(kept, projection.size) is None
        ]

    def of_question(self, question: str) -> TokenVectors:
        """A question as the encoder reads it; the last ones are remembered."""
        if question not in self._questions:
            (self._questions[question],) = self._encoder().encode_tokens([question])
        self._questions.move_to_end(question)
        while len(self._questions) > QUESTION_CACHE_SIZE:
            self._questions.popitem(last=False)
        return self._questions[question]

    def match(
        self, question: str, passages: Sequence[Passage], spans: Sequence[Sequence[Span]]
    ) -> "list[PassageMatch]":
        """See `Library.match`."""
        from index.interaction import projection_of, question_tokens
        from index.matching import match_passages

        asked = question_tokens(self.of_question(question), projection_of(self._digest))
        inside = [[_inside(span, passage) for span in wanted] for passage, wanted in zip(passages, spans, strict=True)]
        found: list[PassageMatch] = []
        for first in range(0, len(passages), MATCHED_AT_A_TIME):
            some = slice(first, first + MATCHED_AT_A_TIME)
            found += match_passages(asked, self._block(passages[some]), inside[some])
        return found

    def match_sentences(
        self, question: str, passages: Sequence[Passage], sentences: Mapping[str, SentenceEdges]
    ) -> "list[SentenceMatch]":
        """See `Library.match_sentences`; `sentences` are those of the articles by `article_id`; an article that another
        process has removed since its passages were found has none."""
        from index.interaction import projection_of, question_tokens
        from index.matching import best_sentences

        asked = question_tokens(self.of_question(question), projection_of(self._digest))
        found: list[SentenceMatch] = []
        for first in range(0, len(passages), MATCHED_AT_A_TIME):
            some = passages[first : first + MATCHED_AT_A_TIME]
            inside = [
                sentences.get(passage.article_id, NO_SENTENCES).inside(passage.start, passage.end) for passage in some
            ]
            found += best_sentences(asked, self._block(some), inside, [passage.start for passage in some])
        return found

    def _block(self, passages: Sequence[Passage]) -> "TokenBlock":
        """The tokens of passages one behind the other, from what is kept of them if all of it is sound."""
        from index.interaction import projection_of
        from index.matching import TokenBlock

        projection = projection_of(self._digest)
        if projection is not None:
            kept = self._kept(passages)
            if all(passage.passage_id in kept for passage in passages):
                block = TokenBlock.from_kept([kept[passage.passage_id] for passage in passages], projection.size)
                if block is not None:
                    return block
        tokens = self._of_passages(passages)
        return TokenBlock.of([tokens[passage.passage_id] for passage in passages])

    def short_answer(self, question: str, passage: Passage, sentence: Span) -> "ShortAnswer | None":
        """See `Library.short_answer`."""
        from index.answer_spans import ShortAnswer, find_answer, span_model_of
        from index.interaction import projection_of

        model, projection = span_model_of(self._digest), projection_of(self._digest)
        if model is None or projection is None:
            return None
        tokens = self._of_passages([passage])[passage.passage_id]
        read = self.of_question(question)
        found = find_answer(model, projection, question, read, passage.text, tokens, _inside(sentence, passage))
        if found is None:
            return None
        return ShortAnswer(Span(found.span.start + passage.start, found.span.end + passage.start), found.probability)

    def nearest(self, text: str, spans: Sequence[Span], others: Sequence[str]) -> list[float]:
        """See `Library.nearest`."""
        from index.interaction import NO_MATCH, nearest_tokens

        if not spans or not others:
            return [NO_MATCH] * len(spans)
        read = self._encoder().encode_tokens([text, *others])
        return nearest_tokens(read[0], spans, read[1:])

    def note_rows(self, passages: Mapping[int, Passage]) -> None:
        """Remembers the rows of passages, by which their tokens are read faster. A row is never used again."""
        for row, passage in passages.items():
            self._rows[passage.passage_id] = row
            self._rows.move_to_end(passage.passage_id)
        while len(self._rows) > ROWS_REMEMBERED:
            self._rows.popitem(last=False)

    def _kept(self, passages: Sequence[Passage]) -> dict[str, bytes]:
        """What is kept of the tokens of passages, by `passage_id`."""
        names = {self._rows[one.passage_id]: one.passage_id for one in passages if one.passage_id in self._rows}
        kept = {names[row]: tokens for row, tokens in self._store.tokens_in_rows(names).items()}
        others = [passage for passage in passages if passage.passage_id not in kept]
        return kept | self._store.passage_tokens(others) if others else kept

    def _of_passages(self, passages: Sequence[Passage]) -> "dict[str, PassageTokens]":
        """The tokens of passages by `passage_id`: as kept, else as remembered, else read by the encoder now."""
        from index.interaction import PassageTokens, passage_tokens, projection_of

        projection = projection_of(self._digest)
        tokens: dict[str, PassageTokens] = {}
        if projection is not None:
            kept = self._kept(passages)
            for name, value in kept.items():
                read = PassageTokens.from_bytes(value, projection.size)
                if read is not None:
                    tokens[name] = read
        for passage in passages:
            key = passage.passage_id, passage.context
            if passage.passage_id not in tokens and key in self._passages:
                self._passages.move_to_end(key)
                tokens[passage.passage_id] = self._passages[key]
        unread = [passage for passage in passages if passage.passage_id not in tokens]
        if unread:
            found = {}
            for position, one in self._encoder().read([encoder_input(passage) for passage in unread]):
                new = passage_tokens(one, context_length(unread[position]), projection)
                # As exact as what is kept, so that the scores are the same.
                kept_form = None if projection is None else PassageTokens.from_bytes(new.to_bytes(), projection.size)
                found[position] = kept_form or new
            for position, passage in enumerate(unread):
                key = passage.passage_id, passage.context
                tokens[passage.passage_id] = self._passages[key] = found[position]
        while len(self._passages) > TOKEN_CACHE_SIZE:
            self._passages.popitem(last=False)
        return tokens


def _inside(span: Span, passage: Passage) -> Span:
    """A span of the article as one of the passage; what lies before the passage is cut off."""
    return Span(max(0, span.start - passage.start), max(0, span.end - passage.start))
