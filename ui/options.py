"""Options that several commands share, and what the commands are told about the run they are part of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from index.dates import first_day, last_day
from index.errors import FilterError
from index.types import SearchFilter
from ui.settings import DEFAULT_K, DEFAULT_MODEL, MAX_K

if TYPE_CHECKING:
    from index.encoder import Encoder
    from index.library import Library
    from rag.generators import Generator
    from rag.nli_check import ModelChecker
    from rag.reading import Reader
    from rag.reranking import Reranker

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Parts:
    """Models used in place of those that would be loaded by name, for programs that bring theirs.

    Pass it as click's `obj`: `dateline.main(arguments, obj=Parts(encoder=...))`.
    """

    encoder: "Encoder | None" = None
    generator: "Generator | None" = None
    reranker: "Reranker | None" = None
    reader: "Reader | None" = None
    checker: "ModelChecker | None" = None


@dataclass(frozen=True, slots=True)
class Session:
    """What every command of one run knows: the library in use and the parts that were brought.

    `library_is_given` is true if `--library` named the library, not the environment, the configuration or the default.
    """

    library_path: Path
    parts: Parts
    library_is_given: bool = False

    def open_library(self) -> "Library":
        """The library, to read, in a `with`. Its encoder is loaded when first needed. Raises `LibraryError`."""
        from index.library import Library

        return Library.open(self.library_path, self.parts.encoder)

    def load_generator(self, model: str) -> "Generator | None":
        """The generator of a model's name; `None` for extractive answers. Raises `ModelError`."""
        from rag.generators import load_generator

        return self.parts.generator or load_generator(model)

    def load_reranker(self, name: str | None) -> "Reranker | None":
        """The re-ranker of that name, `None` if none is named. Raises `ModelError`."""
        if self.parts.reranker is not None or name is None:
            return self.parts.reranker
        from rag.reranking import load_reranker

        return load_reranker(name)

    def load_reader(self, name: str | None) -> "Reader | None":
        """The reader of that name, the one that ships if none is named; `None` for "none". Raises `ModelError`."""
        if self.parts.reader is not None:
            return self.parts.reader
        from rag.reader import load_reader

        return load_reader(name)

    def load_checker(self, name: str | None, generator: "Generator | None") -> "ModelChecker | None":
        """The checker of that name for what the generator writes; `None` if none is named, or there is no generator,
        as extractive answers need no check. Raises `ModelError`."""
        if generator is None or self.parts.checker is not None or name is None:
            return None if generator is None else self.parts.checker
        from rag.nli_check import load_checker

        return load_checker(name)


pass_session = click.make_pass_decorator(Session)


def _use_library(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        session = context.find_object(Session)
        assert session is not None, "the group has made the session before a command is parsed"
        context.obj = Session(value, session.parts, library_is_given=True)


library_path_type = click.Path(path_type=Path, file_okay=False)

library_option = click.option(
    "--library",
    type=library_path_type,
    metavar="DIR",
    expose_value=False,
    callback=_use_library,
    help="Folder of the library, as before the command.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")

model_option = click.option(
    "-m",
    "--model",
    default=DEFAULT_MODEL,
    envvar="DATELINE_MODEL",
    show_envvar=True,
    show_default=True,
    help="extractive (no language model), openai:NAME, ollama:NAME, anthropic:NAME or hf:NAME_OR_FOLDER.",
)

mode_option = click.option(
    "--mode",
    type=click.Choice(["hybrid", "dense", "keyword"]),
    default="hybrid",
    envvar="DATELINE_MODE",
    show_envvar=True,
    show_default=True,
    help="Search by meaning and words, by meaning, or by words.",
)

reranker_option = click.option(
    "--reranker",
    metavar="NAME",
    envvar="DATELINE_RERANKER",
    show_envvar=True,
    help="Name or folder of a cross-encoder that reads the passages found again and puts them in order.",
)

reader_option = click.option(
    "--reader",
    metavar="NAME_OR_FOLDER",
    envvar="DATELINE_READER",
    show_envvar=True,
    help="Model that reads question and passages together: dateline (the default), none, or a transformers "
    "question-answering model.",
)

checker_option = click.option(
    "--checker",
    metavar="NAME_OR_FOLDER",
    envvar="DATELINE_CHECKER",
    show_envvar=True,
    help="Inference model that checks a language model's statements against the words they cite.",
)

k_option = click.option(
    "-k",
    type=click.IntRange(1, MAX_K),
    metavar="N",
    default=DEFAULT_K,
    envvar="DATELINE_K",
    show_envvar=True,
    show_default=True,
    help="Number of passages to search for.",
)


def _day_of(to_day: Callable[[str], date]) -> Callable[[click.Context, click.Parameter, str | None], date | None]:
    """A callback that turns the value of an option into a day. A text that is not a date is wrong usage."""

    def convert(context: click.Context, parameter: click.Parameter, value: str | None) -> date | None:
        try:
            return None if value is None else to_day(value)
        except FilterError as error:
            raise click.BadParameter(str(error), context, parameter) from error

    return convert


def filter_options(command: Command) -> Command:
    """Adds `--from`, `--to`, `--source` and `--as-of`; `search_filter` takes them by the names of their parameters."""
    options = (
        click.option(
            "--from",
            "date_from",
            callback=_day_of(first_day),
            metavar="DATE",
            help="Published on or after: 2017, 2017-06 or 2017-06-03.",
        ),
        click.option("--to", "date_to", callback=_day_of(last_day), metavar="DATE", help="Published on or before."),
        click.option("--source", "sources", multiple=True, help="Published by this source; may be repeated."),
        click.option(
            "--as-of",
            callback=_day_of(last_day),
            metavar="DATE",
            help="As asked on that day: leaves out later articles and prefers recent ones.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def search_filter(
    date_from: date | None, date_to: date | None, sources: tuple[str, ...], as_of: date | None
) -> SearchFilter:
    """The filter of the four options. A range that ends before it begins is wrong usage."""
    if date_from is not None and date_to is not None and date_from > date_to:
        raise click.UsageError(f"--from {date_from} is later than --to {date_to}.")
    return SearchFilter(date_from, date_to, frozenset(sources), as_of)
