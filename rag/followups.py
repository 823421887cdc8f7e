"""A follow-up becomes a question that stands alone, by rules that leave a complete question as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.analysis import find_names
from rag.people import gender_in, people_in, people_told_of, subject_of
from rag.referring import FEMALE, OBJECT, PERSON, needs_person, needs_topic
from rag.types import MAX_QUESTION_CHARACTERS, Turn

MAX_TURNS = 10
"""Most turns of a conversation that are looked at, the last ones: what was said long before is seldom meant."""

MAX_ANSWER_CHARACTERS = 10_000
"""Of an earlier answer, the part that is looked at; the longest that are made have about 3,000."""


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question that can be understood alone. `changed` is true if it is not the question as it was asked.

    `core` is what is asked, `topic` the earlier question that it refers to, empty if it refers to none; `text` is both.
    """

    text: str
    changed: bool
    core: str
    topic: str = ""


def make_standalone(question: str, history: Sequence[Turn]) -> Standalone:
    """The question with what it takes from the conversation put in.

    "He" and "she" become the person that the last turns are about. Whatever else refers back ("it", "that", "And
    China?") is given the question it refers to in brackets. A question that refers to nothing is returned unchanged,
    as is every question without history.
    """
    if not history:
        return Standalone(question, False, question)
    history = [_bounded(turn) for turn in history[-MAX_TURNS:]]
    core, topic = question, ""
    has_pronoun = needs_person(question)
    person = _person_of(question, history) if has_pronoun else None
    if person is not None:
        core = _put_in(question, person)
    if (has_pronoun and person is None) or needs_topic(question, has_pronoun=person is not None):
        topic = _topic(history)
    text = f"{core} ({topic})" if topic else core
    return Standalone(text, text != question, core, topic)


def _bounded(turn: Turn) -> Turn:
    """The beginning of a turn's texts, with `?` for halves of surrogate pairs, which no search takes."""
    question, answer = turn.question.strip()[:MAX_QUESTION_CHARACTERS], turn.answer[:MAX_ANSWER_CHARACTERS]
    return Turn(question.encode(errors="replace").decode(), answer.encode(errors="replace").decode())


def _person_of(question: str, history: Sequence[Turn]) -> str | None:
    """The person whom the pronoun of a question means; `None` if the conversation names nobody that fits.

    The last turn counts first; in it the subject of the question, the other people of the question, then the people of
    the answer. A question that itself has only a pronoun is passed over, since an earlier one names its person.
    """
    pronoun = PERSON.search(question)
    female = pronoun is not None and FEMALE.fullmatch(pronoun.group()) is not None
    texts = [part for turn in history for part in (turn.question, turn.answer)]
    own = " ".join(find_names(question))
    asked: list[str] = []
    answered: list[str] = []
    for turn in reversed(history):
        subject = subject_of(turn.question)
        named = ([subject] if subject else []) + list(reversed(people_in(turn.question)))
        asked += named
        found = people_told_of(turn.answer)
        if named or PERSON.search(turn.question) is None:
            asked += found
        else:
            answered += found
    for name in (*asked, *answered):
        if name.split()[-1] not in own and gender_in(name, texts) in (None, "female" if female else "male"):
            return name
    return None


def _put_in(question: str, person: str) -> str:
    """Puts the person in for the first pronoun; later ones then refer to it."""
    pronoun = PERSON.search(question)
    if pronoun is None:
        return question
    word = pronoun.group().lower()
    possessive = word in {"his", "hers"} or (word == "her" and OBJECT.match(question, pronoun.start()) is None)
    return question[: pronoun.start()] + person + ("'s" if possessive else "") + question[pronoun.end() :]


def _topic(history: Sequence[Turn]) -> str:
    """The previous question; if that refers back itself, behind the last one before it that does not."""
    questions = [turn.question for turn in history]
    roots = [q for q in questions if not needs_person(q) and not needs_topic(q, has_pronoun=False)]
    if not roots or roots[-1] == questions[-1]:
        return questions[-1]
    return f"{roots[-1]} {questions[-1]}"
