"""The commands that search and answer: `search`, `ask` and `verify`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from index.types import Article, Hit
from rag.types import Answer, Question, check_question, hit_as_json
from ui.inputs import BatchLine, json_lines, read_batch, read_history, read_stdin, read_text
from ui.options import (
    Session,
    checker_option,
    filter_options,
    json_option,
    k_option,
    library_option,
    mode_option,
    model_option,
    pass_session,
    reader_option,
    reranker_option,
    search_filter,
)
from ui.render import json_line, one_line, render_answer, render_hits, text_width
from ui.writing import INTERRUPTED, print_notices, write_answer

if TYPE_CHECKING:
    from index.library import Library
    from rag.answering import AnswerSettings
    from rag.generators import Generator

REFUSED = 3
"""Exit code of `ask` when the answer is a refusal."""

input_file = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)


@click.command()
@click.argument("query")
@k_option
@filter_options
@mode_option
@reranker_option
@reader_option
@json_option
@library_option
@pass_session
def search(
    session: Session,
    query: str,
    k: int,
    date_from: date | None,
    date_to: date | None,
    sources: tuple[str, ...],
    as_of: date | None,
    mode: Literal["hybrid", "dense", "keyword"],
    reranker: str | None,
    reader: str | None,
    as_json: bool,
) -> None:
    """Search for passages, best first, with their scores."""
    limits = search_filter(date_from, date_to, sources, as_of)
    query = check_question(read_stdin() if query == "-" else query)
    from rag.retrieval import retrieve

    order, read = session.load_reranker(reranker), session.load_reader(reader)
    with session.open_library() as library:
        hits = retrieve(library, query, k=k, search_filter=limits, mode=mode, reranker=order, reader=read)
        articles = _articles_of(hits, library)
    if as_json:
        for hit in hits:
            click.echo(json_line(hit_as_json(hit)))
    elif hits:
        click.echo(render_hits(hits, articles, text_width()))
    if not hits:
        click.echo("No passage was found.", err=True)


def _articles_of(hits: Iterable[Hit], library: "Library") -> dict[str, Article]:
    return {article_id: library.article(article_id) for article_id in {hit.passage.article_id for hit in hits}}


@click.command(short_help="Answer a question, or say why there is no answer.")
@click.argument("question", required=False)
@model_option
@k_option
@reranker_option
@reader_option
@checker_option
@filter_options
@click.option(
    "--history", type=input_file, metavar="FILE", help="Earlier questions and answers, as JSON or JSON Lines."
)
@click.option(
    "--batch", type=input_file, metavar="FILE", help="Questions as JSON Lines; prints one JSON answer a line."
)
@json_option
@library_option
@pass_session
def ask(
    session: Session,
    question: str | None,
    model: str,
    k: int,
    reranker: str | None,
    reader: str | None,
    checker: str | None,
    date_from: date | None,
    date_to: date | None,
    sources: tuple[str, ...],
    as_of: date | None,
    history: Path | None,
    batch: Path | None,
    as_json: bool,
) -> None:
    """Answer a question from the articles, or say that they do not hold the answer.

    QUESTION may be - to read it from standard input. The exit code is 3 if the answer is a refusal; with --batch it is
    0 whatever the answers are. A line of a batch is {"question": ...} and may have "id" and "history", a list of
    {"question": ..., "answer": ...}; each answer is printed with the "id" of its line.

    What a language model writes is shown on a terminal as it comes, then the checked answer takes its place. Ctrl-C
    meanwhile stops the model: what it has written is checked and printed, marked as incomplete, with exit code 130.
    """
    limits = search_filter(date_from, date_to, sources, as_of)
    made = _HowMade(model, k, reranker, reader, checker)
    if batch is not None:
        if question is not None or history is not None:
            raise click.UsageError("--batch takes the questions and their history from its file; give neither.")
        _ask_all(session, read_batch(read_text(batch), str(batch), limits), made)
        return
    if question is None:
        raise click.UsageError("Missing argument 'QUESTION': give a question, - for standard input, or --batch FILE.")
    text = check_question(read_stdin() if question == "-" else question)
    turns = () if history is None else read_history(read_text(history), str(history))
    answer, articles, stopped = _ask_one(session, Question(text, turns, limits), made, as_json)
    print_notices(answer)
    if as_json:
        click.echo(json_line(answer.as_json()))
    else:
        if answer.standalone_question != answer.question:
            click.echo(f"Asked as: {one_line(answer.standalone_question)}", err=True)
        click.echo(render_answer(answer, articles, text_width()))
    if stopped and answer.incomplete:
        raise click.exceptions.Exit(INTERRUPTED)
    if answer.refused:
        raise click.exceptions.Exit(REFUSED)


@dataclass(frozen=True, slots=True)
class _HowMade:
    """The options by which answers are made: names of models, and the number of passages."""

    model: str
    k: int
    reranker: str | None
    reader: str | None
    checker: str | None

    def load(self, session: Session) -> "tuple[Generator | None, AnswerSettings]":
        """The models, loaded before anything is asked. Raises `ModelError`."""
        from rag.answering import AnswerSettings

        generator = session.load_generator(self.model)
        checker = session.load_checker(self.checker, generator)
        return generator, AnswerSettings(
            k=self.k,
            reranker=session.load_reranker(self.reranker),
            reader=session.load_reader(self.reader),
            checker=checker,
        )


def _ask_one(
    session: Session, question: Question, made: _HowMade, as_json: bool
) -> tuple[Answer, dict[str, Article], bool]:
    """The answer, the articles of a refusal's closest passages, and whether Ctrl-C was pressed while it was written."""
    from rag.answering import ask as answer_question

    generator, settings = made.load(session)
    stopped = False
    with session.open_library() as library:
        if generator is None:
            answer = answer_question(question, library, generator=None, settings=settings)
        else:
            answer, stopped = write_answer(question, library, generator, settings, shown=not as_json)
        closest = () if answer.refusal is None else answer.refusal.closest
        return answer, _articles_of(closest, library), stopped


def _ask_all(session: Session, lines: list[BatchLine], made: _HowMade) -> None:
    from rag.answering import ask as answer_question

    generator, settings = made.load(session)
    with session.open_library() as library:
        for line in lines:
            answer = answer_question(line.question, library, generator=generator, settings=settings)
            print_notices(answer)
            identity = {} if line.question_id is None else {"id": line.question_id}
            click.echo(json_line({**identity, **answer.as_json()}))


@click.command(short_help="Check whether cited words are still there.")
@click.argument("answers", metavar="ANSWERS.jsonl", type=input_file)
@json_option
@library_option
@pass_session
def verify(session: Session, answers: Path, as_json: bool) -> None:
    """Check whether the words that answers cited are still in the library.

    ANSWERS.jsonl is the output of "ask --json" or "ask --batch", or the results.jsonl of "eval run". Each citation is
    unchanged, moved (other characters of a changed article), edited (the article is there, the words are not) or gone.
    The exit code is 1 if any is edited or gone.
    """
    from rag.verification import read_cited_lines, verify_citation

    cited_lines = list(read_cited_lines(json_lines(read_text(answers)), repr(str(answers))))
    counts = {"unchanged": 0, "moved": 0, "edited": 0, "gone": 0}
    with session.open_library() as library:
        for cited in cited_lines:
            for citation in cited.citations:
                result = verify_citation(citation, library)
                counts[result.verdict] += 1
                if as_json:
                    click.echo(json_line({"line": cited.line, "id": cited.answer_id, **result.as_json()}))
                else:
                    now = f", now {result.start}-{result.end}" if result.verdict == "moved" else ""
                    place = f"{one_line(citation.origin)}:{citation.start}-{citation.end}{now}"
                    click.echo(f"line {cited.line} [{citation.number}] {result.verdict}  {place}")
    click.echo(", ".join(f"{count} {verdict}" for verdict, count in counts.items()), err=True)
    if counts["edited"] or counts["gone"]:
        raise click.exceptions.Exit(1)


COMMANDS = (search, ask, verify)
