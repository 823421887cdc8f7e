"""The commands of `eval` that ask questions: `run` and `retrieval`; and `report`, which shows a run again."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import click

from index.errors import InputError
from ui.eval_options import (
    articles_option,
    cache_option,
    checker_of,
    encoder_option,
    existing_path,
    library_of,
    new_folder,
    nli_option,
    seed_option,
    sets_argument,
)
from ui.options import (
    Session,
    checker_option,
    json_option,
    k_option,
    library_option,
    mode_option,
    model_option,
    pass_session,
    reader_option,
    reranker_option,
)
from ui.progress import progress_bar
from ui.render import json_line, terminal_safe

SYSTEMS = ("dateline", "keyword-only", "dense-only", "top-passage", "always-refuse")
"""The systems of `eval.systems`, named here to keep help light."""

SERVICE_JOBS = 4
"""Questions asked at once of a language model on a server: they wait for the server, not for this machine."""


@click.group("eval")
def evaluation() -> None:
    """Measure answers, searches and citations with question sets.

    A question set is a JSON Lines file of Dateline, a SQuAD file, a BEIR folder, a MultiHop-RAG or a CLAP NQ file; what
    it is, is seen from its content.
    """


@evaluation.command("run")
@sets_argument
@articles_option
@click.option("--out", type=new_folder, help="Folder for the results and the report; run again to continue.")
@click.option(
    "--system",
    type=click.Choice(SYSTEMS),
    default="dateline",
    show_default=True,
    help="What answers: everything, or a plain baseline.",
)
@model_option
@k_option
@reranker_option
@reader_option
@checker_option
@click.option(
    "--jobs", type=click.IntRange(1, 64), help="Questions asked at once; by default 4 for a model on a server."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Ask N questions only, spread evenly over the set.")
@seed_option
@click.option("--no-baselines", is_flag=True, help="Leave out the baselines beside the figures.")
@nli_option
@click.option("--judge", "judge_model", metavar="MODEL", help="Add the opinion of a language model, named as for -m.")
@click.option(
    "--fail-under",
    "thresholds",
    multiple=True,
    metavar="EXPRESSION",
    help="Exit with 1 unless it holds, as in 'answers.contains>=0.9'. May be repeated.",
)
@click.option("--fresh", is_flag=True, help="Ask every question again and replace what is in the folder.")
@click.option("--retry-failed", is_flag=True, help="Ask the questions again that failed before, or whose judge did.")
@encoder_option
@cache_option
@json_option
@library_option
@pass_session
def run_evaluation(
    session: Session,
    sets: tuple[Path, ...],
    articles: tuple[Path, ...],
    out: Path | None,
    system: str,
    model: str,
    k: int,
    reranker: str | None,
    reader: str | None,
    checker: str | None,
    jobs: int | None,
    limit: int | None,
    seed: int,
    no_baselines: bool,
    nli: str | None,
    judge_model: str | None,
    thresholds: tuple[str, ...],
    fresh: bool,
    retry_failed: bool,
    encoder: str | None,
    cache: Path | None,
    as_json: bool,
) -> None:
    """Ask every question of a set and score the answers, citations, refusals and searches.

    The articles are those of --articles, else those that the set brings along unless --library is given, else the
    library. With --out, each answer and its scores go to results.jsonl as they come, and the report to report.html,
    report.md and report.json; a run that was cut short goes on where it stopped. The exit code is 1 if every question
    failed or a limit of --fail-under is missed.
    """
    from eval.judge import load_judge
    from eval.question_sets import load_set
    from eval.report import report_json, report_text
    from eval.runner import RunOptions, run_set
    from eval.thresholds import check_names, parse_threshold

    limits = [parse_threshold(text) for text in thresholds]
    question_set = load_set(sets)
    check_names(limits, question_set)
    generator = session.load_generator(model)
    with library_of(session, question_set, articles, encoder, cache) as library:
        options = RunOptions(
            system=system,
            k=k,
            jobs=jobs or _default_jobs(session, model),
            limit=limit,
            seed=seed,
            baselines=not no_baselines,
            reranker=session.load_reranker(reranker),
            reader=session.load_reader(reader),
            statement_checker=session.load_checker(checker, generator),
            checker=checker_of(nli),
            judge=None if judge_model is None else load_judge(judge_model, library.encoder),
            fresh=fresh,
            retry_failed=retry_failed,
        )
        with progress_bar("questions") as on_progress:
            report = run_set(
                question_set,
                library,
                model=model,
                generator=generator,
                options=options,
                out=out,
                command=_command_line(),
                on_progress=on_progress,
            )
    document = report_json(report)
    show(document if as_json else report_text(report))
    if out is not None and not as_json:
        click.echo(f"The report is {out / 'report.html'}", err=True)
    failed = report.failures
    if failed:
        again = "" if out is None else "; ask again with --retry-failed"
        click.echo(f"{len(failed)} of {len(report.results)} questions failed{again}.", err=True)
        if len(failed) == len(report.results):
            raise InputError(f"Every question failed. The first: {failed[0].failure}")
    _fail_under([sentence for limit in limits if (sentence := limit.check(document)) is not None])


@evaluation.command("retrieval")
@sets_argument
@articles_option
@mode_option
@reranker_option
@reader_option
@click.option("--no-as-of", is_flag=True, help="Search all articles, whatever day a question is asked as of.")
@click.option("--out", type=new_folder, help="Folder for the rankings as TREC files and for the figures.")
@encoder_option
@cache_option
@json_option
@library_option
@pass_session
def retrieval(
    session: Session,
    sets: tuple[Path, ...],
    articles: tuple[Path, ...],
    mode: Literal["hybrid", "dense", "keyword"],
    reranker: str | None,
    reader: str | None,
    no_as_of: bool,
    out: Path | None,
    encoder: str | None,
    cache: Path | None,
    as_json: bool,
) -> None:
    """Search for every question of a set and score the rankings; nothing is answered.

    The search by words and the search by meaning are measured beside the chosen one, which alone is read again. The
    articles are found as by "eval run".
    """
    from eval.question_sets import load_set
    from eval.retrieval_run import run_retrieval

    question_set = load_set(sets)
    reads_again, reads = session.load_reranker(reranker), session.load_reader(reader)
    with library_of(session, question_set, articles, encoder, cache) as library, progress_bar("questions") as progress:
        report = run_retrieval(
            question_set,
            library,
            mode=mode,
            use_as_of=not no_as_of,
            reranker=reads_again,
            reader=reads,
            out=out,
            on_progress=progress,
        )
    show(report.as_json() if as_json else report.text())


@evaluation.command("report")
@click.argument("run", metavar="RUN", type=existing_path)
@json_option
@library_option
def report_again(run: Path, as_json: bool) -> None:
    """Make the report of a run again from its results.

    RUN is the folder that "eval run" was given with --out.
    """
    from eval.report import report_json, report_text, write_report
    from eval.runner import report_of

    report = report_of(run)
    write_report(report, run)
    show(report_json(report) if as_json else report_text(report))


def show(result: Mapping[str, Any] | str) -> None:
    """Prints a document as JSON, or a text safely."""
    click.echo(terminal_safe(result).rstrip("\n") if isinstance(result, str) else json_line(result))


def _default_jobs(session: Session, model: str) -> int:
    on_a_server = session.parts.generator is None and model.partition(":")[0] in ("openai", "ollama", "anthropic")
    return SERVICE_JOBS if on_a_server else 1


def _command_line() -> str:
    return shlex.join(["dateline", *sys.argv[1:]])


def _fail_under(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        click.echo(f"Below the limit: {sentence}", err=True)
    if sentences:
        raise click.exceptions.Exit(1)
