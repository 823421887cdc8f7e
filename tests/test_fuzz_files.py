"""A few files with random faults; `tests/fuzz_files.py` tries as many as one likes."""

from fuzz_files import fuzz, valid_files

from index.readers import Record, find_records
from index.reading import read_records
from index.types import Article


def test_the_files_are_read_before_they_get_their_faults(tmp_path):
    for name, content in valid_files().items():
        (tmp_path / name).write_bytes(content)
    found = list(find_records([str(tmp_path)]))
    outcomes = list(read_records(item for item in found if isinstance(item, Record)))
    assert len(outcomes) == len(found) > len(valid_files())
    assert all(isinstance(outcome, Article) for _, outcome in outcomes)


def test_no_fault_crashes_the_reading(tmp_path):
    counts, suspicious = fuzz(200, 3, tmp_path)
    assert suspicious == []
    assert sum(count for kind, count in counts.items() if kind.endswith("refused")) >= 40
    assert sum(count for kind, count in counts.items() if kind.endswith("read")) >= 40
