"""Numbers in brackets that are the articles' own words and not citation marks of the model."""

from bisect import bisect_right
from collections.abc import Sequence

from index.patterns import late

_QUOTED = late(r"“[^“”\n]{1,2000}”|\"[^\"\n]{1,2000}\"|«[^«»\n]{1,2000}»|„[^„“”\n]{1,2000}[“”]|「[^「」\n]{1,2000}」")
_ALIKE = str.maketrans("[]【】［］〔〕〖〗⟦⟧（）{}“”„«»‘’‹›", '()()()()()()()()"""""\'\'\'\'')
_WORDS_BEFORE = late(r"(?:[^\s()\[\]]+[^\S\n]*){1,2}$")
_WORDS_AFTER = late(r"(?:[^\S\n]*[^\s()\[\]【】〔〕{]+){0,3}")

_REACH = 80
"""Characters before and behind a bracket in which its neighbouring words are looked for."""

MAX_LOOKED_UP = 200
"""Different places that are looked up in the articles for one text; more are no quotations, and would take time."""


class OwnWords:
    """Decides for one text of a model which of its brackets stand in the articles with the words around them.

    `articles` are the texts of the articles that the model was shown. They are only looked at when needed.
    """

    def __init__(self, text: str, articles: Sequence[str]) -> None:
        self._text = text
        self._articles = articles
        self._squeezed: list[str] | None = None
        self._known: dict[str, bool] = {}
        quotes = list(_QUOTED.finditer(text)) if articles else []
        self._starts = [match.start() + 1 for match in quotes]
        self._ends = [match.end() - 1 for match in quotes]

    def has_bracket(self, start: int, end: int, since: int, *, only_quoted: bool) -> bool:
        """Whether the bracket at `[start, end)` is the articles' own: the words next to it stand there with it.

        Words before `since`, where the last mark ended, do not count. With `only_quoted`, the bracket must stand
        between quotation marks: that is for brackets which reach the model in another form than the articles have.
        """
        if not self._articles:
            return False
        quote = bisect_right(self._starts, start) - 1
        is_quoted = quote >= 0 and end <= self._ends[quote]
        if only_quoted and not is_quoted:
            return False
        lower = max(since, start - _REACH, self._starts[quote] if is_quoted else 0)
        before = _WORDS_BEFORE.search(self._text, lower, start)
        words = before[0] if before else ""
        after = ""
        if is_quoted:
            found = _WORDS_AFTER.match(self._text, end, min(self._ends[quote], end + _REACH))
            after = found[0].rstrip(".,;:!?…") if found else ""
        has_words = any(char.isalnum() for char in words + after)
        return has_words and self.has(words + self._text[start:end] + after)

    def has(self, words: str) -> bool:
        """Whether the words stand in an article, but for white space, letter case and the shape of brackets."""
        key = _squeeze(words)
        if key not in self._known:
            if len(self._known) >= MAX_LOOKED_UP:
                return False
            if self._squeezed is None:
                self._squeezed = [_squeeze(article) for article in self._articles]
            self._known[key] = any(key in article for article in self._squeezed)
        return self._known[key]


def _squeeze(text: str) -> str:
    return "".join(filter(str.isprintable, "".join(text.translate(_ALIKE).split()))).casefold()
