"""The commands around answering: `serve`, `password` and `doctor`."""

import sys
from pathlib import Path

import click

from ui.options import (
    Session,
    checker_option,
    json_option,
    k_option,
    library_option,
    model_option,
    pass_session,
    reader_option,
    reranker_option,
)
from ui.render import json_line, one_line
from ui.settings import DEFAULT_HOST, DEFAULT_PORT, SETTINGS


def _names(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a repeated option, which the environment and the configuration file may part with commas."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


@click.command(short_help="Serve the web page and the HTTP interface.")
@click.option(
    "--host",
    default=DEFAULT_HOST,
    envvar="DATELINE_HOST",
    show_envvar=True,
    show_default=True,
    help="Address to serve at; 0.0.0.0 is reachable from other machines.",
)
@click.option(
    "--port",
    type=click.IntRange(SETTINGS["port"].minimum, SETTINGS["port"].maximum),
    default=DEFAULT_PORT,
    envvar="DATELINE_PORT",
    show_envvar=True,
    show_default=True,
    help="Port to serve at; 0 takes a free one.",
)
@click.option(
    "--allow-host",
    multiple=True,
    callback=_names,
    envvar="DATELINE_ALLOW_HOST",
    show_envvar=True,
    metavar="NAME",
    help="A further host name that the page is reached by, such as that of a proxy; may be repeated; * allows any.",
)
@click.option(
    "--auth-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="DATELINE_AUTH_FILE",
    show_envvar=True,
    help='Ask for a name and password of this file; "dateline password NAME" makes its lines.',
)
@click.option(
    "--read-only",
    is_flag=True,
    envvar="DATELINE_READ_ONLY",
    show_envvar=True,
    help="Let nobody add or remove articles on the page.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="DATELINE_STATE",
    show_envvar=True,
    metavar="DIR",
    help="Folder for conversations, feedback and evaluations; by default one in your user state folder.",
)
@model_option
@click.option(
    "--offer",
    multiple=True,
    callback=_names,
    envvar="DATELINE_OFFER",
    show_envvar=True,
    metavar="NAME",
    help="A further model that people may choose, beside --model and extractive; may be repeated.",
)
@k_option
@reranker_option
@reader_option
@checker_option
@library_option
@pass_session
def serve(
    session: Session,
    host: str,
    port: int,
    allow_host: tuple[str, ...],
    auth_file: Path | None,
    read_only: bool,
    state: Path | None,
    model: str,
    offer: tuple[str, ...],
    k: int,
    reranker: str | None,
    reader: str | None,
    checker: str | None,
) -> None:
    """Serve the web page and the HTTP interface until interrupted."""
    from ui.state_folder import default_state_folder, usable_state_folder
    from ui.web import run_server

    folder = state or usable_state_folder(session.library_path)
    if folder is None:
        unusable = default_state_folder(session.library_path)
        click.echo(
            f"Conversations are kept until the server stops only: {str(unusable)!r} cannot be written. Name another "
            "folder with --state.",
            err=True,
        )
    run_server(
        session.library_path,
        host=host,
        port=port,
        further_hosts=allow_host,
        auth_file=auth_file,
        read_only=read_only,
        state=folder,
        model=model,
        offered=offer,
        k=k,
        reranker=reranker,
        reader=reader,
        checker=checker,
    )


@click.command(short_help="Check the library, the encoder and the model.")
@click.option(
    "--repair",
    is_flag=True,
    help="Mend the library first: its search files from the articles, a damaged database from what is intact in it.",
)
@click.option(
    "--copy-prompts",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Copy Dateline's prompts into DIR, to begin your own from, and check nothing.",
)
@model_option
@reader_option
@json_option
@library_option
@pass_session
def doctor(
    session: Session, repair: bool, copy_prompts: Path | None, model: str, reader: str | None, as_json: bool
) -> None:
    """Check the library, the encoder, the reader, the language model and the prompts, and say what to do.

    The exit code is 1 if something is wrong. No language model is made to write: its server is asked what it offers.

    To change what language models are asked with, change the files that --copy-prompts makes and name their folder in
    DATELINE_PROMPTS. A file that you take away is Dateline's own again. In them $name is a placeholder, $$ a dollar.
    """
    from ui.doctor import copy_prompts_into, examine

    copied = None if copy_prompts is None else copy_prompts_into(copy_prompts)
    findings = examine(session, model, reader, repair=repair) if copied is None else copied
    healthy = all(finding.ok for finding in findings)
    if as_json:
        rows = [{"check": finding.check, "ok": finding.ok, "message": finding.message} for finding in findings]
        click.echo(json_line({"ok": healthy, "findings": rows}))
    else:
        for finding in findings:
            click.echo(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.check}: {one_line(finding.message)}")
    if not healthy:
        raise click.exceptions.Exit(1)


def _is_terminal() -> bool:
    return sys.stdin.isatty()


@click.command(short_help="Make a line of a file of names and passwords.")
@click.argument("name")
@library_option
@pass_session
def password(session: Session, name: str) -> None:
    """Make the line of a person for the file that "dateline serve --auth-file" asks for names and passwords of.

    Asks twice for the password and shows nothing of it; if the input is no terminal, its first line is the password.
    Add the line to the file: dateline password ann >> people.txt
    """
    from ui.auth import password_line

    if _is_terminal():
        given = click.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    click.echo(password_line(name, given))


COMMANDS = (serve, password, doctor)
