"""The exception tree. Every message says what was wrong, where, and the command or setting that mends it.

DatelineError
├── InputError              what the user gave cannot be used
│   ├── QuestionError       a question that is empty or too long
│   ├── FilterError         a date or source filter that cannot be understood
│   └── QuestionSetError    a question set that does not follow its format
├── ReadError               an origin could not be turned into an article
│   ├── MissingOriginError      no such file or folder
│   ├── UnreadableOriginError   there, but it may not be read
│   ├── UnsupportedFormatError  no reader for this kind of file, or not what its name says
│   └── EmptyArticleError       read, but it holds no text
├── ReaderStartError        the process that reads files does not start or work
├── LibraryError            the folder of a library
│   ├── LibraryNotFoundError    there is no library at this place
│   ├── LibraryFormatError      not a library, damaged, or of a format this version does not know
│   │   ├── LibraryDamagedError     a library, of which not everything is as it was stored
│   │   └── LibraryVersionError     a library of a format that this version does not know
│   ├── LibraryBusyError        another process is changing it
│   ├── LibraryWriteError       the disk is full or may not be written
│   ├── EncoderMismatchError    made with another encoder than the one given
│   └── ArticleNotFoundError    no article of that identifier
├── EncoderError            an encoder could not be loaded, or its weights are not the expected ones
├── StoppedError            an answer was stopped before there was anything of it
└── ModelError              a language model or re-ranker could not be named, reached or used
    └── MissingExtraError   an optional package is not installed
"""


class DatelineError(Exception):
    """Anything that Dateline itself reports as wrong; its text is one plain sentence for the user."""


class InputError(DatelineError):
    """What the user gave cannot be used."""


class QuestionError(InputError):
    """The question is empty or too long."""


class FilterError(InputError):
    """A date or source filter cannot be understood."""


class QuestionSetError(InputError):
    """A question set does not follow its format."""


class ReadError(DatelineError):
    """An origin could not be turned into an article."""


class MissingOriginError(ReadError):
    """There is no such file or folder."""


class UnreadableOriginError(ReadError):
    """The origin is there but may not be read."""


class UnsupportedFormatError(ReadError):
    """There is no reader for this kind of file, or its content is not what its name says."""


class EmptyArticleError(ReadError):
    """The origin was read and holds no text."""


class ReaderStartError(DatelineError):
    """The process that reads files does not start or does not work, so that nothing can be read."""


class LibraryError(DatelineError):
    """Something is wrong with the folder of a library."""


class LibraryNotFoundError(LibraryError):
    """There is no library at this place."""


class LibraryFormatError(LibraryError):
    """The folder is not a library, is damaged, or has a format that this version does not know."""


class LibraryDamagedError(LibraryFormatError):
    """Not everything in the library is as it was stored. `what` says what is not, without library and advice."""

    def __init__(self, message: str, what: str = "") -> None:
        super().__init__(message)
        self.what = what or message


class LibraryVersionError(LibraryFormatError):
    """The library has a format that this version does not know."""


class LibraryBusyError(LibraryError):
    """Another process is changing the library."""


class LibraryWriteError(LibraryError):
    """The disk is full or may not be written."""


class EncoderMismatchError(LibraryError):
    """The library was made with another encoder than the one given."""


class ArticleNotFoundError(LibraryError):
    """The library holds no article of that identifier."""


class EncoderError(DatelineError):
    """An encoder could not be loaded, or its weights are not the expected ones."""


class StoppedError(DatelineError):
    """An answer was stopped before there was anything of it."""


class ModelError(DatelineError):
    """A language model or re-ranker could not be named, reached or used."""


class MissingExtraError(ModelError):
    """An optional package is not installed; the message is the line that installs it."""
