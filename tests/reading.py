"""Reading in the process of the test, where limits can be changed and errors be seen as they were raised."""

from index.frames import Frame
from index.parsing import Parser
from index.readers import Record
from index.reading import article_of
from index.types import Article


def read_here(record: Record) -> Article:
    """The article of a record. Raises `ReadError`."""
    [frame] = Parser().answer(Frame(dict(record.request.header), record.request.body()))
    return article_of(record, frame)
