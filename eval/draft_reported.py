"""What a sentence states, apart from whom it is attributed to."""

import re

from index.sentences import SPEECH_VERBS

_SAYING = (
    r"said|says|told|noted|added|stressed|explained|reported|announced|estimated|remarked|recalled|argued|confirmed"
)
_ATTRIBUTED_BEHIND = re.compile(
    rf"^(?P<clause>[^\"“”]{{20,}}), (?P<who>(?:[\w’'.-]+ ){{0,7}}?[\w’'.-]+(?:, [\w’' -]+,)?) (?:{_SAYING})"
    r"(?: [^,\"“”]{0,40})?\.$"
)
_ACCORDING_BEHIND = re.compile(r"^(?P<clause>[^\"“”]{20,}?),? according to (?P<who>[^\"“”]{3,80})\.$")
_ACCORDING_BEFORE = re.compile(r"^According to (?P<who>[^\"“”,]{3,60}), (?P<clause>[^\"“”]{20,})\.$")
_REPORTED = re.compile(
    rf"^(?P<who>[^\"“”]{{2,90}}?),? (?:has |have |had )?(?:{SPEECH_VERBS}|saying)(?: [A-Z]\w+| reporters)?,? (?:that )?"
    r"(?P<clause>(?:the|a|an|about|some|more|[A-Z0-9])[^\"“”]+)$"
)


def reported_clause(sentence: str) -> tuple[str, str]:
    """What a sentence on one line reports, as a sentence of its own, and who says so; `""` if nobody does.

    `The levy will rise, Ann Lee said.` and `Ann Lee said that the levy will rise.` both give the levy and Ann Lee.
    """
    for pattern in (_ATTRIBUTED_BEHIND, _ACCORDING_BEHIND, _ACCORDING_BEFORE, _REPORTED):
        found = pattern.match(sentence)
        if found is not None:
            clause = found["clause"].strip(" ,").removesuffix(".")
            return f"{clause[:1].upper()}{clause[1:]}.", found["who"]
    return sentence, ""
