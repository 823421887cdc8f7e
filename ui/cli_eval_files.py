"""The commands of `eval` that work on files: `score`, `compare`, `export`, `claims`; and `draft`, which makes a set."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from index.errors import InputError
from ui.cli_eval import evaluation, show
from ui.eval_options import (
    checker_of,
    existing_file,
    existing_path,
    new_file,
    nli_option,
    seed_option,
)
from ui.options import Session, json_option, library_option, model_option, pass_session
from ui.progress import progress_bar
from ui.render import json_line, one_line

if TYPE_CHECKING:
    from eval.types import Gold, QuestionResult


@evaluation.command("score")
@click.option("--qrels", type=existing_file, required=True, help="Judgements: query, 0, document, grade.")
@click.option("--run", type=existing_file, required=True, help="Ranking: query, Q0, document, rank, score, name.")
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="NAME",
    help="As ir-measures or trec_eval name it, such as nDCG@10 or ndcg_cut_10. May be repeated.",
)
@click.option("--per-query", is_flag=True, help="Print each query's values, too.")
@click.option("--level", type=click.IntRange(1), default=1, show_default=True, help="Lowest grade that is relevant.")
@click.option("--depth", type=click.IntRange(1), metavar="N", help="Look at the first N documents of each query only.")
@click.option("--trec-eval", is_flag=True, help="Measure and average as trec_eval does by default.")
@click.option("--complete", is_flag=True, help="With --trec-eval, count queries without a result as 0, too (its -c).")
@json_option
@library_option
def score(
    qrels: Path,
    run: Path,
    measures: tuple[str, ...],
    per_query: bool,
    level: int,
    depth: int | None,
    trec_eval: bool,
    complete: bool,
    as_json: bool,
) -> None:
    """Score a ranking in TREC's format against judgements.

    Printed are the measures of Dateline's reports and those of trec_eval, in its layout. Every judged query counts, one
    without a result 0; ties are broken as trec_eval does. Groups of measures are official (what trec_eval prints by
    default), set and all_trec.
    """
    from eval.scoring import score_run

    scored = score_run(
        qrels,
        run,
        measures=measures or (("official",) if trec_eval else None),
        relevance_level=level,
        max_documents=depth,
        per_query=per_query,
        complete=complete or not trec_eval,
    )
    if scored.missing:
        counted = "are left out" if trec_eval and not complete else "count 0"
        click.echo(f"{len(scored.missing)} judged queries have no result and {counted}.", err=True)
    if scored.unjudged:
        click.echo(f"{len(scored.unjudged)} queries of the run have no judgement and are left out.", err=True)
    show(scored.as_json() if as_json else scored.text())


@evaluation.command("compare")
@click.argument("first", metavar="A", type=existing_path)
@click.argument("second", metavar="B", type=existing_path)
@click.option("--out", type=new_file, metavar="FILE", help="Write the comparison as Markdown, too.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
@seed_option
@json_option
@library_option
def compare(first: Path, second: Path, out: Path | None, overwrite: bool, seed: int, as_json: bool) -> None:
    """Compare two runs over the same questions: what changed from A to B, and is it more than chance?

    A and B are folders that "eval run" was given with --out, or their results.jsonl.
    """
    from eval.compare import compare_runs

    if out is not None and out.exists() and not overwrite:
        raise InputError(f"{str(out)!r} exists already; name another file, or replace it with --overwrite.")
    comparison = compare_runs(first, second, seed=seed)
    if out is not None:
        out.write_text(comparison.markdown(), encoding="utf-8", newline="\n")
    show(comparison.as_json() if as_json else comparison.text())


@evaluation.command("export")
@click.argument("run", metavar="RUN", type=existing_path)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["trec-run", "trec-qrels", "ragas", "csv"]),
    required=True,
    help="Rankings or judgements for TREC tools, samples for RAGAS, or a table.",
)
@click.option("--out", type=new_file, metavar="FILE", required=True, help="File to write.")
@click.option(
    "--level",
    type=click.Choice(["article", "passage"]),
    default="article",
    show_default=True,
    help="What the rankings are of.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
@json_option
@library_option
@pass_session
def export(
    session: Session,
    run: Path,
    file_format: Literal["trec-run", "trec-qrels", "ragas", "csv"],
    out: Path,
    level: Literal["article", "passage"],
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write the results of a run for other tools.

    RUN is the folder that "eval run" was given with --out. Judgements are looked up in the library that was asked.
    """
    from eval.exports import export as write_export
    from eval.results import read_results

    results = read_results(run)
    gold = _gold(session, run, results) if file_format == "trec-qrels" else None
    write_export(results, format=file_format, level=level, out=out, gold=gold, overwrite=overwrite)
    wrote(out, len(results), as_json)


@evaluation.command("claims")
@click.argument("file", metavar="FILE", type=existing_file)
@nli_option
@json_option
@library_option
@pass_session
def claims(session: Session, file: Path, nli: str | None, as_json: bool) -> None:
    """Measure the check of statements against cited words on labelled claims.

    FILE is a file of WiCE: claims with their evidence sentences and labels.
    """
    from eval.claims import measure_claims
    from index.encoder import load_encoder
    from rag.likeness import encoder_likeness

    likeness = encoder_likeness(session.parts.encoder or load_encoder())
    with progress_bar("claims") as on_progress:
        report = measure_claims(file, checker_of(nli), likeness=likeness, on_progress=on_progress)
    show(report.as_json() if as_json else report.text())


@evaluation.command("draft")
@click.argument("out", metavar="FILE", type=new_file)
@click.option(
    "-n", "count", type=click.IntRange(1, 10_000), default=30, show_default=True, help="Questions to propose."
)
@model_option
@seed_option
@json_option
@library_option
@pass_session
def draft(session: Session, out: Path, count: int, model: str, seed: int, as_json: bool) -> None:
    """Propose questions about the library for a person to edit.

    Each line of FILE is a proposed question with the sentence that it was made from. Read it, mend it, and set its
    "review" to "accepted" or "rejected"; until then "eval run" takes no set with it.
    """
    from eval.draft import draft_set, write_drafts

    generator = session.load_generator(model)
    with session.open_library() as library, progress_bar("articles") as on_progress:
        found = draft_set(library, count=count, seed=seed, generator=generator, on_progress=on_progress)
    write_drafts(out, found.drafts)
    for error in found.model_errors:
        click.echo(f"The model failed: {one_line(error)}", err=True)
    if found.dropped:
        reasons = ", ".join(f"{reason} ({number})" for reason, number in found.dropped.items())
        click.echo(f"Not proposed: {reasons}", err=True)
    wrote(out, len(found.drafts), as_json)


def wrote(path: Path, lines: int, as_json: bool) -> None:
    """Says what was written where."""
    if as_json:
        click.echo(json_line({"path": str(path), "questions": lines}))
    else:
        click.echo(f"Wrote {lines} questions to {path}", err=True)


def _gold(session: Session, run: Path, results: "Sequence[QuestionResult]") -> "dict[str, Gold]":
    """The evidence of the questions in the library that the run asked."""
    from eval.gold import locate_evidence
    from eval.manifest import read_manifest
    from eval.types import QuestionSet
    from index.library import Library

    manifest = read_manifest(run)
    questions = tuple(result.question for result in results)
    asked = QuestionSet(manifest.set_path, manifest.set_format, manifest.set_sha256, questions)
    with Library.open(Path(manifest.library_path), session.parts.encoder) as library:
        return locate_evidence(asked, library)


COMMANDS = (evaluation,)
