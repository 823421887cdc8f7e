"""Libraries written by older versions of Dateline, kept as files in `tests/libraries`.

Each holds the three articles of `ARTICLES`, put in by the bag-of-words encoder of the tests of its time, whose vectors
are those of today. To make one with another version, run this file with that version on the path:

    PYTHONPATH=CHECKOUT python tests/old_libraries.py FOLDER
"""

import shutil
import sys
from pathlib import Path

FOLDER = Path(__file__).with_name("libraries")

OLDEST = "format-1-oldest"
"""Written by commit 2272ce9, the first that had a library: no kept tokens, no keyword index over whole articles."""

FORMAT_1 = "format-1"
"""Written by commit 5745280, the last of format version 1."""

NAMES = (OLDEST, FORMAT_1)

ARTICLES = (
    (
        "/news/veto.txt",
        {"title": "Council deadlocked", "source": "TASS", "published": "2017-06-03", "url": "https://news.example/1"},
        "Russia vetoed the resolution on Saturday. China vetoed it as well. The ambassador said that nobody had read "
        "it. “We were given an hour,” he told reporters. The council will meet again in autumn, its president said, "
        "and the same text will be on the table. Eight members abstained; none of them gave a reason. The United "
        "States called the vote a disgrace. markveto1q.",
    ),
    (
        "/news/talks.txt",
        {"source": "Reuters", "published": "2018"},
        "Lavrov called for talks. The talks begin in May, he said.\n\n"
        "In Café Müller, 東京, nobody 😀 agreed. marktalks2q.",
    ),
    ("/news/tariff.txt", {}, "The harbour raised its tariff. Ships left the harbour for Tarrow. marktariff3q."),
)


def copy_old_library(name: str, path: Path) -> Path:
    """Copies a library of one of `NAMES` to `path`, which does not exist yet; returns `path`."""
    shutil.copytree(FOLDER / name, path)
    return path


def held_by_old_libraries() -> dict[str, tuple[str, str]]:
    """Of each origin the title and the text, as `library_checks.collection` gives them."""
    from index.types import Article, Metadata

    articles = [Article.from_text(text, Metadata(**known), origin) for origin, known, text in ARTICLES]
    return {article.origin: (article.title, article.text) for article in articles}


def _write(path: Path) -> None:
    from fakes import BagOfWordsEncoder

    from index.library import Library
    from index.types import Article, Metadata

    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.put(
            [(Article.from_text(text, Metadata(**known), origin), "digest") for origin, known, text in ARTICLES]
        )


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
