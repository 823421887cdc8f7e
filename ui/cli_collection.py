"""The commands about what a library holds: `index` and `articles`."""

import sys
from typing import cast, get_args

import click

from index.types import IndexReport, VectorKind
from ui.options import Session, json_option, library_option, pass_session
from ui.progress import progress_bar
from ui.render import (
    article_json,
    json_line,
    one_line,
    render_article,
    render_listing,
    render_report,
    report_json,
    summary_json,
    terminal_safe,
)


@click.command()
@click.argument("paths", metavar="PATH_OR_URL...", nargs=-1, required=True)
@click.option("--prune", is_flag=True, help="Remove the articles whose file is gone.")
@click.option(
    "--encoder",
    metavar="NAME",
    envvar="DATELINE_ENCODER",
    show_envvar=True,
    help="Name or folder of a sentence-transformers model to make a new library with.",
)
@click.option(
    "--vectors",
    type=click.Choice(["auto", *get_args(VectorKind)]),
    envvar="DATELINE_VECTORS",
    show_envvar=True,
    help="How passages are compared with a question: exact, compressed, or partitioned as well; kept for the library. "
    "auto, as at first, chooses by their number; below 2,000 it is always exact.",
)
@json_option
@library_option
@pass_session
def index(
    session: Session, paths: tuple[str, ...], prune: bool, encoder: str | None, vectors: str | None, as_json: bool
) -> None:
    """Add and update articles from files, folders and URLs.

    Files may hold one article (text, Markdown, HTML, PDF, DOCX) or many (JSON Lines, CSV, RSS and Atom feeds, ZIP and
    TAR archives); a URL may lead to a page, a document or a feed. What cannot be read, or not within the limits on
    time, memory and size, keeps out nothing else.

    Articles that have not changed cost no more than reading them. Ends with the number of articles added, updated,
    unchanged, removed and failed, and the reason of each failure. The exit code is 0 if all were read, and 1 if any
    failed, although the others went in.
    """
    try:
        report = _index(session, paths, prune, encoder, vectors)
    except KeyboardInterrupt:
        message = "Interrupted. What was finished is kept; run the same command again to go on."
        raise KeyboardInterrupt(message) from None
    for failure in report.failed:
        click.echo(f"Failed: {one_line(failure.origin)}: {one_line(failure.reason)}", err=True)
    click.echo(json_line(report_json(report)) if as_json else render_report(report))
    if report.failed:
        raise click.exceptions.Exit(1)


def _index(
    session: Session, paths: tuple[str, ...], prune: bool, encoder_name: str | None, vectors: str | None
) -> IndexReport:
    from index.encoder import load_encoder
    from index.ingest import index_paths
    from index.library import Library

    encoder = session.parts.encoder
    if encoder is None and encoder_name is not None:
        encoder = load_encoder(encoder_name)
    with Library.open_for_writing(session.library_path, encoder) as library, progress_bar("articles") as on_progress:
        if vectors is not None:
            library.choose_vectors(None if vectors == "auto" else cast(VectorKind, vectors))
        return index_paths(library, paths, prune=prune, on_progress=on_progress)


@click.group(invoke_without_command=True, short_help="List, show or remove articles.")
@json_option
@library_option
@click.pass_context
def articles(context: click.Context, as_json: bool) -> None:
    """List, show or remove articles; lists them if no verb is given."""
    if context.invoked_subcommand is None:
        context.invoke(list_articles, as_json=as_json)
    else:
        context.default_map = {verb: {"as_json": as_json} for verb in articles.commands}


@articles.command("list")
@json_option
@library_option
@pass_session
def list_articles(session: Session, as_json: bool) -> None:
    """List the articles, one a line."""
    with session.open_library() as library:
        summaries = library.articles()
    if as_json:
        for summary in summaries:
            click.echo(json_line(summary_json(summary)))
    elif summaries:
        click.echo(render_listing(summaries))
    if not summaries:
        click.echo("The library holds no articles. Add some with: dateline index PATH_OR_URL", err=True)


@articles.command("show")
@click.argument("article_id", metavar="ID")
@click.option("--text", "text_only", is_flag=True, help="Print the stored text and nothing else.")
@json_option
@library_option
@pass_session
def show_article(session: Session, article_id: str, text_only: bool, as_json: bool) -> None:
    """Show an article: what is known about it, and its text."""
    if text_only and as_json:
        raise click.UsageError("--text and --json cannot be given together.")
    with session.open_library() as library:
        article = library.article(article_id)
        passages = len(library.passages(article.article_id))
    if as_json:
        click.echo(json_line(article_json(article, passages)))
    elif not text_only:
        click.echo(render_article(article, passages))
    elif sys.stdout.isatty():
        click.echo(terminal_safe(article.text), nl=False)
    else:
        sys.stdout.buffer.write(article.text.encode("utf-8"))
        sys.stdout.buffer.flush()


@articles.command("remove")
@click.argument("article_ids", metavar="ID...", nargs=-1, required=True)
@json_option
@library_option
@pass_session
def remove_articles(session: Session, article_ids: tuple[str, ...], as_json: bool) -> None:
    """Remove articles from the library; their files stay where they are."""
    from index.library import Library

    with session.open_library():
        pass  # opening a library for writing would make one where there is none
    with Library.open_for_writing(session.library_path, session.parts.encoder) as library:
        removed = library.remove(article_ids)
    click.echo(json_line({"removed": removed}) if as_json else f"{removed} removed")


COMMANDS = (index, articles)
