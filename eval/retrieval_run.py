"""Searches a library for every question of a set and scores the rankings: `dateline eval retrieval`."""

import json
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from eval.gold import locate_evidence
from eval.rankings import DEPTHS, LEVELS, MEASURES, RATE_MEASURES, no_ranking, rank_articles, score_ranking
from eval.results import replace_file, writing
from eval.retrieval_report import QUANTILES, RetrievalReport
from eval.statistics import mean, quantile, rate
from eval.systems import Search, library_search
from eval.trec import RUN_ID, write_qrels, write_run
from eval.types import EvalQuestion, Figure, Figures, Gold, QuestionSet, RankingScores, SearchMode
from index.errors import DatelineError, QuestionSetError
from index.types import SearchFilter
from rag.followups import make_standalone

if TYPE_CHECKING:
    from index.library import Library
    from rag.reading import Reader
    from rag.reranking import Reranker

BASELINES: Mapping[str, SearchMode] = {"keyword_only": "keyword", "dense_only": "dense"}
"""The searches that are measured beside every other."""

ENCODING = "encoding"
"""The stage in which a question becomes a vector: once, and in no search's time."""

ARTICLE_DEPTH = 100
"""Passages asked of a search where only articles are relevant, as in BEIR folders: ten passages may be of three
articles, whose ranking to the tenth place would be unknown."""

_log = logging.getLogger(__name__)

_RECORD = re.compile(r"\.(?:jsonl|json|csv|tsv)#")
"""What stands between the file and the key in the origin of a record."""


@dataclass(slots=True)
class _Searched:
    """What one question's searches found: by mode, scores, and articles with the score of their best passage."""

    question: EvalQuestion
    gold: Gold
    scores: dict[SearchMode, RankingScores] = field(default_factory=dict)
    articles: dict[SearchMode, dict[str, float]] = field(default_factory=dict)
    failures: dict[SearchMode, str] = field(default_factory=dict)
    milliseconds: dict[str, float] = field(default_factory=dict)


def run_retrieval(
    question_set: QuestionSet,
    library: "Library",
    *,
    mode: SearchMode = "hybrid",
    use_as_of: bool = True,
    reranker: "Reranker | None" = None,
    reader: "Reader | None" = None,
    out: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    search: Search | None = None,
) -> RetrievalReport:
    """Searches for every answerable question with evidence, in the given mode and those of `BASELINES`.

    A follow-up is made to stand alone first. With `use_as_of`, a question that is asked as of a day finds only articles
    published until then. The re-ranker or reader puts in order what is found in the given mode, so that the baselines
    stay what they are. `search` stands in for the library's own. A search that ends in an error is recorded and scores
    0. `on_progress` is given the questions done and the questions in all.

    With `out`, a folder that is made if need be, it writes `retrieval.json`, the relevant articles as `qrels.trec` and
    each mode's articles as `run.MODE.trec`, by the set's own document identifiers where it has them (BEIR), else by
    those of the library. These rankings are of the 50 passages that R@50 and AP are measured on, so other tools get
    those two figures from them; the others are of what a search gives that is asked for 10 (see `eval.rankings`). Where
    no passage is relevant by itself (BEIR), all figures and the rankings are of `ARTICLE_DEPTH` passages.

    Raises:
        QuestionSetError: No question can be scored, or the library does not hold the evidence.
        InputError: The folder cannot be written.
    """
    started = time.perf_counter()
    gold = locate_evidence(question_set, library)
    asked = [question for question in question_set.questions if question.answerable and question.id in gold]
    if not asked:
        raise QuestionSetError(
            f"{question_set.path!r} has no answerable question with evidence, so no ranking can be scored; "
            "answers can, with: dateline eval run"
        )
    if out is not None:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
    modes: list[SearchMode] = list(dict.fromkeys((mode, *BASELINES.values())))
    encode = partial(_encode, library) if search is None else None
    search = search or _reranked_in(mode, library, reranker, reader)
    searched = []
    for done, question in enumerate(asked, start=1):
        limits = SearchFilter(as_of=question.as_of if use_as_of else None)
        searched.append(_search(_Searched(question, gold[question.id]), limits, modes, search, encode))
        if on_progress is not None:
            on_progress(done, len(asked))
    clusters = _clusters(searched)
    report = RetrievalReport(
        set_path=question_set.path,
        set_format=question_set.format,
        set_sha256=question_set.sha256,
        library_path=str(library.path),
        library_generation=library.generation,
        articles=library.count_articles(),
        passages=library.count_passages(),
        encoder=library.encoder_name,
        mode=mode,
        reranker=None if reranker is None else reranker.name,
        reader=None if reader is None else reader.name,
        use_as_of=use_as_of,
        questions=len(asked),
        skipped=len(question_set.questions) - len(asked),
        retrieval=_figures(searched, mode),
        baselines={name: _figures(searched, of) for name, of in BASELINES.items() if of != mode},
        timings_ms=_timings(searched, [ENCODING, *modes]),
        failures=tuple(
            (found.question.id, failed, error) for found in searched for failed, error in found.failures.items()
        ),
        clusters=None if clusters is None else len(set(clusters) - {None}) + clusters.count(None),
        seconds=time.perf_counter() - started,
    )
    if out is not None:
        _write(out, report, searched, _document_names(question_set, library, searched))
    return report


def _reranked_in(mode: SearchMode, library: "Library", reranker: "Reranker | None", reader: "Reader | None") -> Search:
    """The library's search, with the re-ranker or reader in one mode alone."""
    plain, reranked = library_search(library), library_search(library, reranker, reader)
    return lambda query, limits, of, k: (reranked if of == mode else plain)(query, limits, of, k)


def _search(
    found: _Searched,
    limits: SearchFilter,
    modes: Sequence[SearchMode],
    search: Search,
    encode: Callable[[str], object] | None,
) -> _Searched:
    """Searches for one question in every mode, to both depths; a search that fails scores 0."""
    query = make_standalone(found.question.text, found.question.history).text
    if encode is not None:
        # An encoder that fails does so again in the searches that need it, and is recorded there.
        with suppress(Exception), _timed(found, ENCODING):
            encode(query)
    for mode in modes:
        try:
            with _timed(found, mode):
                shallow = search(query, limits, mode, DEPTHS[0])
            deep = search(query, limits, mode, DEPTHS[1] if found.gold.spans else ARTICLE_DEPTH)
        except DatelineError as error:
            found.failures[mode] = str(error)
        except Exception as error:  # noqa: BLE001 - one question must not cost the figures of all others
            _log.warning("question %r ended in an unexpected error", found.question.id, exc_info=True)
            found.failures[mode] = f"{type(error).__name__}: {error}"
        if mode in found.failures:
            found.scores[mode] = no_ranking(found.gold)
            continue
        found.scores[mode] = score_ranking(shallow if found.gold.spans else deep, deep, found.gold)
        best = {hit.passage.article_id: hit.score for hit in reversed(deep)}
        found.articles[mode] = {article: best[article] for article in rank_articles(deep)}
    return found


@contextmanager
def _timed(found: _Searched, stage: str) -> Iterator[None]:
    """Notes how long it took, if it did not fail."""
    started = time.perf_counter()
    yield
    found.milliseconds[stage] = (time.perf_counter() - started) * 1000


def _encode(library: "Library", query: str) -> None:
    """Has the library make the query's vector, which it keeps for the searches that follow."""
    library.prepare(query)


def _figures(searched: Sequence[_Searched], mode: SearchMode) -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    for level in LEVELS:
        scored = [found for found in searched if level in found.scores[mode]]
        if scored:
            clusters = _clusters(scored)
            figures[level] = {
                measure: _figure(measure, [found.scores[mode][level][measure] for found in scored], clusters)
                for measure in MEASURES
            }
    return figures


def _figure(measure: str, values: Sequence[float], clusters: Sequence[str | None] | None) -> Figure:
    if measure in RATE_MEASURES:
        return rate([value > 0 for value in values], clusters)
    return mean(values, clusters)


def _clusters(searched: Sequence[_Searched]) -> list[str | None] | None:
    """The clusters of the questions, `None` if each stands alone."""
    clusters = [found.question.cluster for found in searched]
    return None if all(cluster is None for cluster in clusters) else clusters


def _timings(searched: Sequence[_Searched], stages: Sequence[str]) -> dict[str, Figures]:
    timings: dict[str, Figures] = {}
    for stage in stages:
        values = [found.milliseconds[stage] for found in searched if stage in found.milliseconds]
        if values:
            timings[stage] = {name: quantile(values, share) for name, share in QUANTILES.items()}
    return timings


def _write(out: Path, report: RetrievalReport, searched: Sequence[_Searched], names: Mapping[str, str]) -> None:
    write_qrels(
        out / "qrels.trec",
        (
            (found.question.id, names[article], grade)
            for found in searched
            for article, grade in found.gold.grades.items()
        ),
    )
    for mode in searched[0].scores:
        write_run(
            out / f"run.{mode}.trec",
            (
                (found.question.id, names[article], score)
                for found in searched
                for article, score in found.articles.get(mode, {}).items()
            ),
            run_id=f"{RUN_ID}-{mode}",
        )
    with writing(out):
        replace_file(out / "retrieval.json", [json.dumps(report.as_json(), indent=2), "\n"])


def _document_names(question_set: QuestionSet, library: "Library", searched: Sequence[_Searched]) -> dict[str, str]:
    """Articles by what TREC files call them: the key of the record that the article was, else its identifier.

    Of several records with the same text, the first of the set's, by which its evidence is named.
    """
    articles = {article for found in searched for article in found.gold.grades}
    articles.update(article for found in searched for ranking in found.articles.values() for article in ranking)
    origins = {article: origin for origin, article in sorted(library.origins().items(), reverse=True)}
    origins |= {article.article_id: article.origin for article in question_set.articles}
    names = {}
    for article in sorted(articles):
        # A relevant document that the set does not have goes by its origin in place of an identifier.
        parts = _RECORD.split(origins.get(article, article), maxsplit=1)
        names[article] = parts[1] if len(parts) > 1 and parts[1] else article
    counted = Counter(names.values())
    return {article: name if counted[name] == 1 else article for article, name in names.items()}
