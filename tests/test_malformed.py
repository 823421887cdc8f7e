"""Two hundred files that cannot be read, among twenty that can: each is named, and all that can be read is found."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from command_line import run
from documents import HTML, pdf
from malformed import EACH, KINDS, write_all

SEED = 7
WORDS = (
    "amber birch cedar dahlia elder fennel ginger hazel iris juniper kelp laurel maple nettle olive poppy quince rowan "
    "sage thyme"
).split()
"""Each the word of one good article, in none of the others."""


def write_good(folder: Path) -> None:
    """Twenty files and records that can be read, in all formats."""
    for number, word in enumerate(WORDS):
        sentence = f"The council planted {word} along the quay on Thursday, after a debate that went on for hours."
        name, content = [
            ("txt", sentence.encode()),
            ("md", f"# Quay\n\n{sentence}".encode()),
            ("html", HTML.replace("nobody remembers", f"planted {word} nobody remembers").encode()),
            ("pdf", pdf([sentence])),
            ("docx", _docx(sentence)),
            ("jsonl", f'{{"text": "{sentence}"}}'.encode()),
            ("csv", f'text\n"{sentence}"\n'.encode()),
            ("txt", sentence.encode("utf-16")),
            ("txt", f"{sentence} “Così è caffè.”".encode("cp1252")),
        ][number % 9]
        path = folder / f"{number:02}" / f"{word}.{name}"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)


def _docx(sentence: str) -> bytes:
    import io

    from docx import Document

    document = Document()
    document.add_paragraph(sentence)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_two_hundred_malformed_files(tmp_path):
    bad = write_all(tmp_path / "articles", SEED)
    assert len(KINDS) >= 20
    assert len(WORDS) >= 20
    assert Counter(path.parent.parent.name for path in bad) == {kind.__name__: EACH for kind in KINDS}
    write_good(tmp_path / "articles" / "good")
    library = tmp_path / "library"

    done = run("index", tmp_path / "articles", "--library", library)
    named = Counter(
        match[1] for match in re.finditer(r"^Failed: (/.*?/articles/\w+/\d\d/\w+\.[\w.]+)", done.stderr, re.M)
    )
    unnamed = {str(path) for path in bad} - named.keys()
    # An entry of a feed that is only a link is named by its link.
    assert {Path(path).name for path in unnamed} <= {"no_feed.rss"}
    assert "Failed: http://127.0.0.1:1/x: The host '127.0.0.1' is inside" in done.stderr
    assert {Path(path).parent.parent.name for path in named} == {kind.__name__ for kind in KINDS}
    assert all(re.fullmatch(r"Failed: \S.*: [A-Z“'].*[.)]", line) for line in done.stderr.splitlines())
    assert "crashes" not in done.stderr
    assert done.exit_code == 1
    articles = len(WORDS) + 1  # in one of the damaged archives a file is whole
    assert re.fullmatch(rf"{articles} added, 0 updated, 0 unchanged, 0 removed, \d+ failed\n", done.stdout)
    for word in WORDS:
        [hit] = run("search", word, "--mode", "keyword", "--library", library, "--json").documents
        assert word in hit["text"]

    good = run("index", tmp_path / "articles" / "good", "--library", library, "--json")
    assert (good.exit_code, good.stderr) == (0, "")
    assert (good.document["unchanged"], good.document["failed"]) == (len(WORDS), 0)
