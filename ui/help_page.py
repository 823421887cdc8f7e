"""Writes the page of the documentation that holds the help of every command: `python -m ui.help_page docs/help.md`."""

from collections.abc import Iterator
from pathlib import Path

import click

from ui.cli import dateline

HELP_WIDTH = 100
"""Columns of the help on the page, so that it does not depend on the terminal that wrote it."""


def help_page() -> str:
    """The help of `dateline` and of each of its commands, in the order in which they are defined, as Markdown."""
    parts = [
        "# Commands",
        "This page is what `--help` prints. It is written by `make help-doc` and checked by `make check`.",
    ]
    for context in _contexts(dateline, "dateline", None):
        parts.append(f"## {context.command_path}")
        parts.append(f"```text\n{context.command.get_help(context).rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def _contexts(command: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
    settings = {**command.context_settings, "terminal_width": HELP_WIDTH, "max_content_width": HELP_WIDTH}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield context
    if isinstance(command, click.Group):
        for child_name, child in command.commands.items():
            yield from _contexts(child, child_name, context)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if the page is not up to date.")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def main(check: bool, path: Path) -> None:
    """Write the help of every command to PATH."""
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(help_page(), encoding="utf-8", newline="\n")
    elif not path.is_file() or path.read_text(encoding="utf-8") != help_page():
        raise click.ClickException(f"{path} is not what the commands print. Write it again with: make help-doc")


if __name__ == "__main__":
    main()
