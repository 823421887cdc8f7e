"""Small collections of made articles, put into a library of the bag-of-words encoder."""

from collections.abc import Sequence
from pathlib import Path

from index.library import Library
from index.types import Article, Hit, Metadata, SearchFilter, normalise_text
from rag.analysis import analyse_question
from rag.evidence import Evidence, find_evidence
from rag.reading import Reader, Readings
from rag.retrieval import retrieve
from tests.fakes import BagOfWordsEncoder


def made_article(text: str, name: str, **metadata: str) -> Article:
    """An article of that text; `metadata` are fields of `Metadata`."""
    return Article.from_text(normalise_text(text), Metadata(**metadata), f"/news/{name}.txt")


def library_of(path: Path, articles: Sequence[Article]) -> Library:
    """A library of the articles, open for writing; to be closed by the caller."""
    library = Library.open_for_writing(path, BagOfWordsEncoder())
    library.put([(article, article.sha256) for article in articles])
    return library


def evidence_of(
    library: Library, question: str, reader: Reader | None = None
) -> tuple[Evidence, list[Hit], dict[str, Article]]:
    """The evidence for a question from every passage of a small library, with the hits and the articles."""
    hits = retrieve(library, question, k=1_000, search_filter=SearchFilter())
    articles = {hit.passage.article_id: library.article(hit.passage.article_id) for hit in hits}
    readings = None if reader is None else Readings(reader, question).of(hits)
    evidence = find_evidence(analyse_question(question), hits, articles, library, readings=readings)
    return evidence, hits, articles
