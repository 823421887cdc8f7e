"""Scores a TREC run against qrels by trec_eval's own code (pytrec_eval) and by ir_measures: `dateline eval score`.

Measures go by either name, trec_eval's (`ndcg_cut_10`, `map`) or ir_measures' (`nDCG@10`, `AP`). Documents rank by
score, ties by identifier, both descending, as in trec_eval 10; its earlier versions, and pytrec_eval, round the scores
to single precision before they compare them, so two scores that differ after the seventh digit are a tie to those.

Interpolated precision (`iprec_at_recall_*`, `11pt_avg`, `IPrec@*`) is that of trec_eval 10, which rounds the number of
documents that a share of the relevant ones is; earlier versions, and pytrec_eval with them, round most of them up.
`NumRel` and `NumQ` count a query without results as well, as `num_rel` and `num_q` do.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eval.measure_names import RBP, find_measures
from eval.rankings import MEASURES
from eval.trec import Qrels, read_qrels, read_run
from index.errors import InputError

Values = Mapping[str, float]

_Find = Callable[[Values, Mapping[str, int]], float]
"""Documents in their order and their judgements → the value for a query."""

SUMMARY_ONLY = frozenset({"num_q", "gm_map", "gm_bpref"})
"""Measures that mean nothing for a single query."""

TREC_EVAL_PERSISTENCE = 0.9
"""The persistence that trec_eval's `rbp` has by default; ir_measures' RBP has 0.8."""

_NO_RESULT = "no result"
_NO_JUDGEMENT = "no judgement"
"""Documents that no file can name, because of the space."""


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """The scores of a run.

    `measures` is over all scored queries, `per_query` for each, empty if it was not asked for. Names that begin with
    `num_` count and are sums; those with `gm_` are geometric means (of values of at least 0.00001), the others means.
    `missing` are queries of the qrels that the run has no result for, `unjudged` those of the run that are not in the
    qrels, which are never scored.
    """

    run_id: str
    queries: int
    missing: tuple[str, ...]
    unjudged: tuple[str, ...]
    measures: Values
    per_query: Mapping[str, Values]

    def as_json(self) -> dict[str, Any]:
        """The document of `dateline eval score --json`: number of queries, and measure → value."""
        document: dict[str, Any] = {
            "run": self.run_id,
            "queries": self.queries,
            "missing": list(self.missing),
            "unjudged": list(self.unjudged),
            "measures": {name: _number(name, value) for name, value in self.measures.items()},
        }
        if self.per_query:
            document["per_query"] = {
                query: {name: _number(name, value) for name, value in values.items()}
                for query, values in self.per_query.items()
            }
        return document

    def text(self) -> str:
        """Lines as trec_eval prints them: measure, query (`all` for all together, at the end) and value.

        Values have 4 decimals, counts are whole numbers; the figures over all queries begin with a line `runid`.
        """
        rows = [(query, name, value) for query, values in self.per_query.items() for name, value in values.items()]
        rows += [("all", name, value) for name, value in self.measures.items()]
        lines = [
            f"{name:<22}\t{query}\t{f'{value:.0f}' if _is_count(name) else f'{value:6.4f}'}"
            for query, name, value in rows
        ]
        lines.insert(len(rows) - len(self.measures), f"{'runid':<22}\tall\t{self.run_id}")
        return "".join(f"{line}\n" for line in lines)


def score_run(
    qrels_path: Path,
    run_path: Path,
    *,
    measures: Sequence[str] | None = None,
    relevance_level: int = 1,
    complete: bool = True,
    max_documents: int | None = None,
    per_query: bool = False,
) -> ScoredRun:
    """The scores of a run file by a qrels file.

    `measures` are names of either kind, or trec_eval's `official`, `set` and `all_trec`; by default those of Dateline's
    reports and those that trec_eval prints by default. A document is relevant from `relevance_level` on (trec_eval -l).
    Of each query, the first `max_documents` are looked at (trec_eval -M).

    With `complete` (trec_eval -c), every query of the qrels counts, and one without results scores 0: a system cannot
    gain by leaving questions out. Without it, as trec_eval does by default, only queries that are in both files do.

    Raises:
        InputError: A file cannot be read or does not follow its format; a measure is not known, or needs a package that
            is not installed; the files have no query in common (only without `complete`).
    """
    if relevance_level < 1:
        raise InputError(f"the relevance level {relevance_level} is not 1 or more")
    if max_documents is not None and max_documents < 1:
        raise InputError(f"{max_documents} documents a query are not 1 or more")
    resolved: dict[str, Any] = {}
    for name in (*MEASURES, "official") if measures is None else measures:
        resolved |= find_measures(name, relevance_level)
    qrels, run = read_qrels(qrels_path), read_run(run_path)
    judged = {query: qrels[query] for query in sorted(qrels) if complete or query in run.scores}
    if not judged:
        raise InputError(f"{str(qrels_path)!r} and {str(run_path)!r} have no query in common; are they of one test?")
    ranked = {query: _ranked(run.scores[query], max_documents) for query in judged if query in run.scores}
    here = {name: find for name, measure in resolved.items() if (find := _found_here(name, measure, relevance_level))}
    left = {name: measure for name, measure in resolved.items() if name not in here}
    found = _score_by_trec_eval([name for name in left if left[name] is None], judged, ranked, relevance_level)
    from_ir_measures = _score_by_ir_measures([measure for measure in left.values() if measure], judged, ranked)
    for query, values in found.items():
        values |= from_ir_measures[query]
        values |= {name: find(ranked.get(query, {}), judged[query]) for name, find in here.items()}
    names = [name for name in resolved if name not in SUMMARY_ONLY]
    return ScoredRun(
        run_id=run.run_id,
        queries=len(judged),
        missing=tuple(sorted(qrels.keys() - run.scores.keys())),
        unjudged=tuple(sorted(run.scores.keys() - qrels.keys())),
        measures={
            name: _total(name, measure, [found[query][name] for query in judged]) for name, measure in resolved.items()
        },
        per_query={query: {name: found[query][name] for name in names} for query in judged} if per_query else {},
    )


def _ranked(scores: Values, limit: int | None) -> dict[str, float]:
    """Documents in trec_eval's order with scores that never tie, so that every provider keeps to it."""
    # UTF-8 sorts bytes as Python sorts characters, so identifiers compare as by strcmp.
    order = sorted(scores, key=lambda document: (scores[document], document), reverse=True)[:limit]
    return {document: -float(rank) for rank, document in enumerate(order, start=1)}


def _score_by_trec_eval(
    names: Sequence[str], qrels: Qrels, ranked: Mapping[str, Values], relevance_level: int
) -> dict[str, dict[str, float]]:
    """Query → measure → value. The `gm_` measures are logarithms here."""
    if not names:
        return {query: {} for query in qrels}
    import pytrec_eval

    # All negative relevance means the same to trec_eval; a query with none from 0 up would make it read beside its
    # tables, which a judged document that nothing finds prevents without changing a value.
    judged = {
        query: {document: max(relevance, -1) for document, relevance in documents.items()} | {_NO_JUDGEMENT: 0}
        if max(documents.values()) < 0
        else dict(documents)
        for query, documents in qrels.items()
    }
    # A query without results gets a document that is not judged, and counts none, as trec_eval -c does it.
    results = {query: dict(ranked.get(query) or {_NO_RESULT: 0.0}) for query in qrels}
    found = pytrec_eval.RelevanceEvaluator(judged, set(names), relevance_level=relevance_level).evaluate(results)
    for query in found.keys() - ranked.keys():
        found[query] |= dict.fromkeys(("num_ret", "utility"), 0.0)
    return found


def _score_by_ir_measures(
    measures: Sequence[Any], qrels: Qrels, ranked: Mapping[str, Values]
) -> dict[str, dict[str, float]]:
    """Query → measure → value."""
    import ir_measures

    found = {query: {str(measure): float(measure.DEFAULT) for measure in measures} for query in qrels}
    if measures:
        for metric in ir_measures.iter_calc(measures, qrels, ranked):
            found[metric.query_id][str(metric.measure)] = float(metric.value)
    return found


def _found_here(name: str, measure: Any, relevance_level: int) -> _Find | None:
    """How a measure is found that pytrec_eval has not, or otherwise than trec_eval 10; `None` for all others."""
    if measure is None:
        if name == "11pt_avg":
            return partial(_interpolated_precision, [tenth / 10 for tenth in range(11)], relevance_level)
        if name.startswith("iprec_at_recall_"):
            return partial(_interpolated_precision, [float(name.rpartition("_")[2])], relevance_level)
        if name == RBP:
            return _graded_rank_biased_precision
    elif measure.NAME == "IPrec" and not measure["judged_only"]:
        return partial(_interpolated_precision, [measure["recall"]], measure["rel"])
    elif measure.NAME == "RBP" and "rel" in measure.params:
        return partial(_rank_biased_precision, measure["p"], measure["rel"])
    elif measure.NAME == "NumRel":
        return lambda ranked, judged: float(_count_relevant(judged, measure["rel"]))
    elif measure.NAME == "NumQ":
        return lambda ranked, judged: 1.0
    return None


def _interpolated_precision(shares: Sequence[float], level: int, ranked: Values, judged: Mapping[str, int]) -> float:
    """The mean over the shares of the highest precision from where that share of the relevant documents is found."""
    ranks = [rank for rank, document in enumerate(ranked, start=1) if judged.get(document, 0) >= level]
    precisions = [found / rank for found, rank in enumerate(ranks, start=1)]
    # Halves are rounded up, as by C's lround.
    wanted = [max(1, math.floor(share * _count_relevant(judged, level) + 0.5)) for share in shares]
    return sum(max(precisions[found - 1 :], default=0.0) for found in wanted) / len(shares)


def _rank_biased_precision(persistence: float, level: int, ranked: Values, judged: Mapping[str, int]) -> float:
    """(1 - p) Σ p^(rank - 1) over the ranks with a relevant document (Moffat & Zobel 2008)."""
    ranks = [rank for rank, document in enumerate(ranked, start=1) if judged.get(document, 0) >= level]
    return (1 - persistence) * sum(persistence ** (rank - 1) for rank in ranks)


def _graded_rank_biased_precision(ranked: Values, judged: Mapping[str, int]) -> float:
    """trec_eval 10's `rbp` at any relevance level: a document counts by its share of the highest relevance."""
    highest = max(judged.values())
    gains = [max(judged.get(document, 0), 0) / highest if highest > 0 else 0.0 for document in ranked]
    total = sum(gain * TREC_EVAL_PERSISTENCE**position for position, gain in enumerate(gains))
    return (1 - TREC_EVAL_PERSISTENCE) * total


def _count_relevant(judged: Mapping[str, int], level: int) -> int:
    return sum(relevance >= level for relevance in judged.values())


def _total(name: str, measure: Any, values: Sequence[float]) -> float:
    """Over all queries, as the measure's own tool does it: sum, mean or geometric mean."""
    if measure is None:
        import pytrec_eval

        return pytrec_eval.compute_aggregated_measure(name, list(values))
    total = measure.aggregator()
    for value in values:
        total.add(value)
    return float(total.result())


def _is_count(name: str) -> bool:
    return name.startswith(("num_", "Num"))


def _number(name: str, value: float) -> float:
    return int(value) if _is_count(name) else value
