"""Lists of sources at the end of a model's answer, which it adds unasked."""

import re

from index.patterns import late
from rag.mark_grammar import MARK

_WORD = (
    r"(?:sources?(?:\s+(?:used|cited))?|references?|citations?|footnotes?|endnotes?|bibliography|works\s+cited|"
    r"quellen|fuentes|источники|来源|参考文献)"
)
_HEADING = late(rf"[\s#*_>]*{_WORD}[\s:：*_]*", re.IGNORECASE)
_RULE = late(r"\s*(?:(?:-\s?){3,40}|(?:\*\s?){3,40}|(?:_\s?){3,40})\s*")
_ENTRY = late(rf"\s*(?:[-*•]\s+)?(?:{MARK.pattern}|\d{{1,3}}[.):]|https?://\S+\s*$)", re.IGNORECASE)
_DEFINITION = late(r"\s*(?:\[\^[\w-]{1,20}\]:|\[\d{1,3}\]:\s{0,3}<?(?:https?://|www\.))", re.IGNORECASE)
_MARKED_ENTRY = late(rf"\s*(?:[-*•]\s+)?(?:{MARK.pattern})", re.IGNORECASE)
_ONE_LINE = late(
    rf"[\s#*_>(]*{_WORD}\s*[:：][*_\s]*(?P<numbers>(?:(?:{MARK.pattern}|\d{{1,3}})(?:\s*(?:,|;|&|and)\s*|\s+|(?=\W|$)))+)"
    r"[.\s*_)]*",
    re.IGNORECASE,
)


def without_reference_list(text: str) -> str:
    """The text without a last part that lists sources: lines of entries under a heading such as "Sources", footnote
    definitions, or marked entries under a rule where the text above has marks.

    A last line such as `Sources: [1], [3]` goes as well; where the text above has no mark, its numbers become one.
    """
    lines = text.split("\n")
    cut = len(lines)
    entries = marked = 0
    numbers = ""
    first = MARK.search(text)
    first_marked = len(lines) if first is None else text.count("\n", 0, first.start())
    for index in range(len(lines) - 1, 0, -1):
        line = lines[index]
        if not line.strip():
            continue
        one_line = _ONE_LINE.fullmatch(line) if len(line) < 500 else None
        if _HEADING.fullmatch(line) or _DEFINITION.match(line) or one_line:
            cut, entries, marked = index, 0, 0
            numbers = one_line["numbers"] if one_line else numbers
        elif _RULE.fullmatch(line):
            listed = entries == marked > 0 and first_marked < index
            if not listed and (entries or cut == len(lines)):
                break
            cut, entries, marked = index, 0, 0
        elif _ENTRY.match(line):
            entries += 1
            marked += _MARKED_ENTRY.match(line) is not None
        else:
            break
    kept = "\n".join(lines[:cut]).rstrip()
    if cut == len(lines) or not kept:
        return text
    if numbers and not MARK.search(kept):
        kept += "".join(f" [{number}]" for number in re.findall(r"\d{1,3}", numbers))
    return kept
