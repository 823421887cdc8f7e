"""On a medium that cannot be written, searches use the search files that are there and do not build them again."""

import shutil
from pathlib import Path

from command_line import run
from fakes import BagOfWordsEncoder
from fault_trials import TEXTS
from mounts import make_read_only, small_disk

from index.ingest import index_paths
from index.library import Library


def test_nothing_is_wrong_with_a_library_on_a_read_only_medium(tmp_path: Path) -> None:
    news = tmp_path / "news"
    news.mkdir()
    for name, text in TEXTS.items():
        (news / name).write_text(text)
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as library:
        index_paths(library, [str(news)])
    with small_disk(tmp_path / "disk", 4_096) as disk:
        copied = Path(shutil.copytree(tmp_path / "library", disk / "library"))
        make_read_only(disk)
        done = run("doctor", "--library", copied, "--json")
        assert [finding for finding in done.document["findings"] if not finding["ok"]] == []
