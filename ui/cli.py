"""The command `dateline`: its group, what a run of it is told, and the one place where errors become exit codes.

Exit codes: 0 done; 1 something that Dateline reports as wrong, in one plain line; 2 wrong usage; 3 `ask` refused;
130 interrupted. Data goes to stdout, progress and messages to stderr.
"""

import errno
import logging
import os
import sys
from functools import partial
from pathlib import Path

import click
from click.core import ParameterSource

from index.errors import DatelineError
from ui import cli_answers, cli_collection, cli_eval_files, cli_service
from ui.options import Parts, Session, library_path_type
from ui.render import one_line, terminal_safe
from ui.settings import ENVIRONMENT_ONLY, SETTINGS, default_library_path, default_map, load_config
from ui.writing import INTERRUPTED


class SafeFormatter(logging.Formatter):
    """Log lines that may repeat what a server or a file said, safe for the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The message and the traceback, if it has one."""
        return terminal_safe(super().format(record))


class ErrorMappingGroup(click.Group):
    """A group whose commands end with one plain line and an exit code when something is wrong."""

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command. Errors of the operating system that nothing has mapped are reported like our own."""
        try:
            return super().invoke(ctx)
        except DatelineError as error:
            raise click.ClickException(one_line(str(error))) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            raise click.ClickException(one_line(_os_message(error))) from error
        except KeyboardInterrupt as interruption:
            new_line = "\n" if sys.stderr.isatty() else ""  # after the ^C that the terminal shows
            click.echo(f"{new_line}{str(interruption) or 'Interrupted.'}", err=True)
            ctx.exit(INTERRUPTED)


def _os_message(error: OSError) -> str:
    place = f" {error.filename!r}" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"No space is left on the disk{place}. Free some space and run the same command again."
    return f"{error.strerror or error}{':' if place else ''}{place}"


@click.group(cls=ErrorMappingGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dateline", prog_name="dateline", message="%(prog)s %(version)s")
@click.option(
    "--library",
    type=library_path_type,
    metavar="DIR",
    envvar="DATELINE_LIBRARY",
    show_envvar=True,
    help="Folder of the library; by default one in your user data folder.",
)
@click.pass_context
def dateline(context: click.Context, library: Path | None) -> None:
    """Answers questions from a collection of articles.

    Every statement of an answer is cited to the exact words of an article; where the articles do not hold the answer,
    Dateline says so. Start with "dateline index FOLDER", then "dateline ask QUESTION" or "dateline serve".

    Settings come from flags, then from the environment, then from the configuration file: config.toml in your user
    configuration folder, or the file that DATELINE_CONFIG names. Its keys are library, encoder, vectors, model, k,
    mode, reranker, reader, checker, host, port, allow_host, auth_file, read_only, state, offer, llm_timeout,
    llm_total_timeout, prompts, prompt_tokens, answer_tokens, precision, cache and seed. DATELINE_LLM_TIMEOUT is the
    number of seconds that a language model may stay silent, DATELINE_LLM_TOTAL_TIMEOUT that its whole reply may
    take, DATELINE_PROMPT_TOKENS and DATELINE_ANSWER_TOKENS are the most tokens that a prompt and an answer may
    have, and DATELINE_PROMPTS names a folder of prompts of your own (see "dateline doctor"). DATELINE_PRECISION is
    the number format in which many passages are encoded: auto (bf16 where the processor is faster with it), fp32 or
    bf16. Keys of language models come from the environment only (OPENAI_API_KEY, ANTHROPIC_API_KEY).
    """
    config = load_config()
    if library is None:
        configured = config.get("library")
        library = default_library_path() if configured is None else Path(str(configured))
    for name in ENVIRONMENT_ONLY:
        variable = SETTINGS[name].variable
        if name in config and not os.environ.get(variable):
            os.environ[variable] = str(config[name])
            context.call_on_close(partial(os.environ.pop, variable, None))
    given = context.get_parameter_source("library") is ParameterSource.COMMANDLINE
    context.obj = Session(library, context.find_object(Parts) or Parts(), library_is_given=given)
    context.default_map = default_map(dateline, {key: value for key, value in config.items() if key != "library"})


for command in (*cli_collection.COMMANDS, *cli_answers.COMMANDS, *cli_eval_files.COMMANDS, *cli_service.COMMANDS):
    dateline.add_command(command)


def main() -> None:
    """Runs `dateline` with the arguments of the process; the entry point of the installed command."""
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal's encoding lacks must not end a run; output to files and pipes is UTF-8.
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    dateline.main(prog_name="dateline")
