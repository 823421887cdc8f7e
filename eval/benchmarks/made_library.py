"""Libraries of any number of passages for benchmarks of searching, made once and kept, with what checks them.

Articles are those of `made_articles.py`, put through `Library.put` a few thousand at a time; vectors are borrowed with
noise (`encoders.BorrowingEncoder`): the first 2,000 passages are really encoded, and every later one has the vector of
one of them plus noise of the same covariance and .6 of its length, so that vectors lie in clusters of hundreds, in the
few dozen directions that real ones spread in. Beside the library lie the vectors as one array, a tantivy index of the
same passages for the plain alternative, and which article each passage is of, for exact results inside a filter.

A million passages take some 16 GB.
"""

import json
import shutil
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.benchmarks.encoders import BorrowingEncoder, number_of
from eval.benchmarks.made_articles import MadeArticle, made_article, made_articles
from eval.benchmarks.processes import folder_mb
from index.encoder import load_encoder
from index.library import Library
from index.types import Article, Metadata

ENCODED = 2_000
NOISE = 0.6
ARTICLES_AT_A_TIME = 2_000
HEAP_BYTES = 200_000_000

ARTICLES_A_PASSAGE = 0.2
"""Fewer articles than this times the passages are never enough, so that many are put before they are counted."""

VERSION = 1
"""Of what is kept in a folder; with another one it is made anew."""


@dataclass(frozen=True, slots=True)
class MadeLibrary:
    """A folder with `library/`, `vectors.f32`, `plain_keywords/` and what `arrays.npz` has."""

    folder: Path
    articles: int
    passages: int
    dimension: int

    @property
    def library(self) -> Path:
        return self.folder / "library"

    def vectors(self) -> NDArray[np.float32]:
        """All vectors, shape (passages, dimension), read from the file as they are used."""
        return np.memmap(self.folder / "vectors.f32", dtype=np.float32, mode="r", shape=(self.passages, self.dimension))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Of each vector `text` and `article`, the number of its text and the place of its article; of each article
        `day`, a proleptic ordinal, and `source`, its name."""
        with np.load(self.folder / "arrays.npz") as stored:
            return {name: stored[name] for name in stored.files}


def as_article(made: MadeArticle) -> Article:
    """The article as `Library.put` takes it."""
    known = Metadata(title=made.title, source=made.source, published=made.published, author=made.author)
    return Article.from_text(made.text, known, f"/made/{made.number}.txt")


def opened(folder: Path, passages: int) -> MadeLibrary | None:
    """What was made in a folder before, if it is complete and of this version."""
    try:
        known = json.loads((folder / "complete.json").read_text())
    except (OSError, ValueError):
        return None
    if known.get("version") != VERSION or known.get("asked for") != passages:
        return None
    return MadeLibrary(folder, known["articles"], known["passages"], known["dimension"])


def made_library(folder: Path, passages: int) -> MadeLibrary:
    """A library of at least so many passages: the one in the folder, or made there now."""
    known = opened(folder, passages)
    if known is not None:
        return known
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begun = time.perf_counter()
    encoder = BorrowingEncoder(load_encoder(), encoded=ENCODED, noise=NOISE, cache=folder.parent / "encoded.npz")
    texts: list[int] = []
    titles: list[int] = []
    plain = _PlainKeywords(folder / "plain_keywords")
    known_titles: dict[int, int] = {}
    days: list[int] = []
    sources: list[str] = []
    with (folder / "vectors.f32").open("wb") as vectors:

        def note(text: str, vector: NDArray[np.float32]) -> None:
            vectors.write(vector.astype(np.float32).tobytes())
            plain.add(len(texts), text)
            texts.append(number_of(text))
            titles.append(number_of(text.partition("\n")[0]))

        encoder.on_vector = note
        with Library.open_for_writing(folder / "library", encoder) as library:
            while len(texts) < passages:
                first = len(days)
                missing = max(1, round((passages - len(texts)) * ARTICLES_A_PASSAGE))
                some = list(made_articles(min(ARTICLES_AT_A_TIME, missing), first=first))
                for made in some:
                    known_titles[number_of(made.title)] = made.number
                    days.append(date.fromisoformat(made.published).toordinal())
                    sources.append(made.source)
                library.put([(as_article(made), str(made.number)) for made in some])
                rate = len(texts) / (time.perf_counter() - begun)
                print(f"\r{len(days):,} articles, {len(texts):,} passages, {rate:,.0f} a second  ", end="", flush=True)
            put = time.perf_counter()
        closed = time.perf_counter()
    plain.close()
    if len(set(titles) - known_titles.keys()):
        raise SystemExit("Not every passage is encoded behind the title of its article; made_library.py counts on it.")
    np.savez(
        folder / "arrays.npz",
        text=np.array(texts, dtype=np.uint64),
        article=np.array([known_titles[title] for title in titles], dtype=np.int64),
        day=np.array(days, dtype=np.int64),
        source=np.array(sources),
    )
    done = {
        "version": VERSION,
        "asked for": passages,
        "articles": len(days),
        "passages": len(texts),
        "dimension": encoder.dimension,
        "put s": round(put - begun, 1),
        "search files s": round(closed - put, 1),
        "library MB": round(folder_mb(folder / "library")),
    }
    (folder / "complete.json").write_text(json.dumps(done, indent=2))
    print(f"\nmade in {(time.perf_counter() - begun) / 60:.1f} minutes, {done['library MB']:,} MB")
    return MadeLibrary(folder, len(days), len(texts), encoder.dimension)


def questions(count: int, articles: int) -> list[str]:
    """Different questions about articles spread over the first so many."""
    asked = dict.fromkeys(made_article(number * articles // count).question for number in range(count))
    return list(asked)


class _PlainKeywords:
    """The plain alternative's keyword index: tantivy with its own English analyzer, over all that is encoded."""

    def __init__(self, folder: Path) -> None:
        from tantivy import Index, SchemaBuilder

        folder.mkdir()
        builder = SchemaBuilder()
        builder.add_unsigned_field("number", stored=True)
        builder.add_text_field("text", stored=True, tokenizer_name="en_stem", index_option="freq")
        self._index = Index(builder.build(), path=str(folder))
        self._writer = self._index.writer(HEAP_BYTES)

    def add(self, number: int, text: str) -> None:
        from tantivy import Document

        self._writer.add_document(Document(number=number, text=text))

    def close(self) -> None:
        self._writer.commit()
        self._writer.wait_merging_threads()
