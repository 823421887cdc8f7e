"""MultiHop-RAG: questions over news whose answers need several articles, or that no article answers.

Format of Tang and Yang, https://arxiv.org/abs/2401.15391 and https://github.com/yixuantt/MultiHop-RAG.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from eval.quotes import occurrences, occurrences_by_word
from eval.records import Fields
from eval.types import EvalQuestion, Evidence
from index.encodings import clean_text
from index.metadata import combine, metadata_from_fields
from index.types import Article, Metadata

FIELDS = ("id", "query", "question", "answer", "question_type", "evidence_list")
CORPUS_NAME = "corpus.json"
QUESTIONS_NAME = "MultiHopRAG.json"
UNANSWERABLE_TYPE = "null_query"

_FACT_SEPARATOR = "\n\n"


def is_multihop(record: Mapping[str, object]) -> bool:
    """Whether a JSON object has the fields of a MultiHop-RAG question."""
    return {"question_type", "evidence_list"} <= record.keys() and not {"query", "question"}.isdisjoint(record)


def is_multihop_folder(folder: Path) -> bool:
    """Whether a folder holds the questions and the articles."""
    return (folder / CORPUS_NAME).is_file() and (folder / QUESTIONS_NAME).is_file()


def read_multihop(
    records: Iterable[Fields], path: Path, corpus: Sequence[Fields] | None = None, corpus_path: Path | None = None
) -> tuple[list[EvalQuestion], list[Article]]:
    """The questions of MultiHop-RAG records, and the articles that they are asked of.

    With a `corpus`, its bodies are the articles, with the origin `corpus_path#URL`. A fact is evidence word for word
    where the article of its URL (else of its title) holds it, apart from white space, and otherwise names the article
    as a whole; a fact of an article that the corpus lacks is evidence that cannot be found.

    Without one, the facts that all questions cite from one URL (else one title) make up an article of excerpts, with
    the origin `path#URL`. This is easier than searching whole articles: every sentence of such a collection answers
    some question.

    The answer is the accepted short answer; `null_query` marks unanswerable questions. A record without an id is named
    by its position from 0.
    """
    collection = _Excerpts(path) if corpus is None or corpus_path is None else _Corpus(corpus, corpus_path)
    places: dict[str, str] = {}
    questions = [_question(fields, position, places, collection) for position, fields in enumerate(records)]
    return questions, collection.articles()


def _question(fields: Fields, position: int, places: dict[str, str], collection: "_Excerpts | _Corpus") -> EvalQuestion:
    kind = fields.text("question_type")
    answerable = kind != UNANSWERABLE_TYPE
    evidence = [collection.evidence(cited) for cited in fields.objects("evidence_list")]
    return EvalQuestion(
        id=fields.identifier("id", places, default=str(position)),
        text=fields.question("query" if fields.record.get("query") is not None else "question").strip(),
        answers=(fields.text("answer").strip(),) if answerable else (),
        evidence=tuple(dict.fromkeys(found for found in evidence if found is not None)),
        answerable=answerable,
        type=kind,
        ignored_fields=fields.unknown(FIELDS),
    )


def _metadata(fields: Fields) -> Metadata:
    names = {"title": "title", "source": "source", "author": "author", "url": "url", "published": "published_at"}
    return metadata_from_fields({name: fields.record.get(given) for name, given in names.items()})


def _key(fields: Fields) -> str:
    """What tells articles apart: the URL, else the title; empty if neither is given."""
    return _name(fields, "url") or _name(fields, "title")


def _name(fields: Fields, field: str) -> str:
    return clean_text(fields.string(field)).strip()


class _Excerpts:
    """Articles made of the facts that are cited from them, a paragraph each, in the order of their first mention."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts: dict[str, dict[str, int]] = {}
        self._metadata: dict[str, Metadata] = {}

    def evidence(self, cited: Fields) -> Evidence | None:
        """The cited fact, which is taken into its article."""
        fact, key = clean_text(cited.text("fact")).strip(), _key(cited)
        if not key:
            cited.problem("url", "a fact needs the 'url' or the 'title' of its article")
        if not fact or not key:
            return None
        starts = self._starts.setdefault(key, {})
        if fact not in starts:
            last = next(reversed(starts), None)
            starts[fact] = 0 if last is None else starts[last] + len(last) + len(_FACT_SEPARATOR)
        self._metadata[key] = combine(self._metadata.get(key, Metadata()), _metadata(cited))
        return Evidence(self._origin(key), fact, start=starts[fact])

    def articles(self) -> list[Article]:
        return [
            Article.from_text(_FACT_SEPARATOR.join(starts), self._metadata[key], self._origin(key))
            for key, starts in self._starts.items()
        ]

    def _origin(self, key: str) -> str:
        return f"{self._path}#{key}"


class _Corpus:
    """The articles of a corpus, found by URL, else by title."""

    def __init__(self, records: Sequence[Fields], path: Path) -> None:
        self._path = path
        self._articles: list[Article] = []
        self._by_name: dict[str, list[Article]] = {}
        origins: set[str] = set()
        for position, fields in enumerate(records):
            text = clean_text(fields.text("body"))
            key = _key(fields) or str(position)
            if f"{path}#{key}" in origins:
                key = f"{key}#{position}"
            origins.add(f"{path}#{key}")
            article = Article.from_text(text, _metadata(fields), f"{path}#{key}")
            self._articles.append(article)
            for name in {_name(fields, "url"), _name(fields, "title")} - {""}:
                self._by_name.setdefault(name, []).append(article)

    def evidence(self, cited: Fields) -> Evidence | None:
        """The cited fact in its article, else the article as a whole."""
        fact, key = cited.text("fact"), _key(cited)
        candidates = self._by_name.get(key) or self._by_name.get(_name(cited, "title"), [])
        for article in candidates:
            for span in occurrences(article.text, fact) or occurrences_by_word(article.text, fact):
                return Evidence(article.origin, article.text[span.start : span.end])
        return Evidence(candidates[0].origin if candidates else f"{self._path}#{key}", None)

    def articles(self) -> list[Article]:
        return self._articles
