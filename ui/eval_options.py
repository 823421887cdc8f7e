"""Options that several commands of `eval` share, and what they stand for."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ui.options import Session
from ui.progress import progress_bar
from ui.settings import DEFAULT_SEED, MAX_SEED, default_cache_path

if TYPE_CHECKING:
    from eval.citation_support import Checker
    from eval.types import QuestionSet
    from index.library import Library

existing_path = click.Path(path_type=Path, exists=True)
existing_file = click.Path(path_type=Path, exists=True, dir_okay=False)
new_file = click.Path(path_type=Path, dir_okay=False)
new_folder = click.Path(path_type=Path, file_okay=False)

sets_argument = click.argument("sets", metavar="SET...", nargs=-1, required=True, type=existing_path)

articles_option = click.option(
    "--articles",
    multiple=True,
    metavar="PATH",
    type=existing_path,
    help="Articles that the set asks about; indexed once and kept until they change. May be repeated.",
)

encoder_option = click.option(
    "--encoder",
    metavar="NAME",
    envvar="DATELINE_ENCODER",
    show_envvar=True,
    help="Name or folder of a sentence-transformers model to index such articles with.",
)

cache_option = click.option(
    "--cache",
    type=new_folder,
    metavar="DIR",
    envvar="DATELINE_CACHE",
    show_envvar=True,
    help="Folder where such articles are kept indexed; by default one in your user cache folder.",
)

seed_option = click.option(
    "--seed",
    type=click.IntRange(0, MAX_SEED),
    metavar="N",
    default=DEFAULT_SEED,
    envvar="DATELINE_SEED",
    show_envvar=True,
    show_default=True,
    help="Seed of everything random.",
)

nli_option = click.option(
    "--nli",
    metavar="NAME_OR_FOLDER",
    help="Judge whether words support a statement by this inference model instead of by rules.",
)


def library_of(
    session: Session,
    question_set: "QuestionSet",
    articles: Sequence[Path],
    encoder_name: str | None,
    cache: Path | None,
) -> "Library":
    """The library that a set asks, to be closed by the caller.

    It is made of `articles`; without them, of the articles that the set brings along, unless `--library` was given on
    the command line; else it is the library in use.
    """
    own = question_set.articles if not session.library_is_given else ()
    if not articles and not own:
        return session.open_library()
    from eval.collections import open_collection
    from index.encoder import DEFAULT_ENCODER

    encoder = session.parts.encoder or encoder_name or DEFAULT_ENCODER
    with progress_bar("articles") as on_progress:
        return open_collection(
            articles or question_set, encoder, cache=cache or default_cache_path(), on_progress=on_progress
        )


def checker_of(nli: str | None) -> "Checker":
    """The project's rules, or the inference model of that name. Raises `ModelError`."""
    if nli is None:
        from eval.citation_support import RuleChecker

        return RuleChecker()
    from rag.nli import load_nli

    return load_nli(nli)
