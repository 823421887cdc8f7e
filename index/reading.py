"""Records into articles, read ahead in a process of its own while whoever asks is busy with those before."""

from collections import deque
from collections.abc import Generator, Iterable
from contextlib import nullcontext

from index.errors import ReadError
from index.frames import Frame
from index.metadata import combine
from index.parsing import metadata_of
from index.readers import Record
from index.reading_process import ReadingProcess
from index.types import Article, Failure

Outcomes = Generator[tuple[Record, Article | Failure], None, None]

AHEAD_RECORDS = 64
"""Records that are given to the reading process before the first of them is done. What it reads ahead is limited by
`index.reading_process.AHEAD_BYTES`; of records that fail at once there is no need for more."""


def read_records(records: Iterable[Record], process: ReadingProcess | None = None) -> Outcomes:
    """Each record with its article, or with why it cannot be read; in their order.

    A record that crashes the process, or takes more time, memory or text than its limits, is a failure, and the others
    are read. Records are taken from `records` up to `AHEAD_RECORDS` before they are given. Without a `process`, one
    starts with the first record and ends with the iterator, which is to be exhausted or closed; one that is given stays
    open, is not used by others meanwhile, and is to be closed after an iterator that was not exhausted.

    Raises:
        ReaderStartError: The process cannot be started.
    """
    with ReadingProcess() if process is None else nullcontext(process) as process:
        asked: deque[Record] = deque()
        for record in records:
            process.ask(record.request)
            asked.append(record)
            while asked and (len(asked) > AHEAD_RECORDS or process.has_answer):
                yield _outcome(asked.popleft(), process)
        while asked:
            yield _outcome(asked.popleft(), process)


def _outcome(record: Record, process: ReadingProcess) -> tuple[Record, Article | Failure]:
    try:
        [frame] = process.answer()
        return record, article_of(record, frame)
    except ReadError as error:
        return record, Failure(record.origin, str(error))


def article_of(record: Record, frame: Frame) -> Article:
    """The article of a record by what the reading process said of it."""
    text = frame.body.decode("utf-8")
    return Article.from_text(text, combine(record.known, metadata_of(frame.header.get("stated"))), record.origin)
