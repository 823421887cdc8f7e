"""An answer out of the document that it was written to."""

import json

import pytest
from fake_backend import answer, cite, hit, make_article, refusal
from hypothesis import given
from hypothesis import strategies as st

from index.errors import InputError
from rag.answer_json import answer_from_json
from rag.types import Answer, Problem, PromptUse, Statement

ARTICLE = make_article("The vote was put off. 😀 Nobody said why.", "The vote", source="Desk", published="2022-05")
STATEMENT = Statement("Off.", (1,), "partial", (Problem("number", "12"),), "normalised")
WHOLE = answer(
    "When?",
    [STATEMENT],
    [cite(1, ARTICLE, "😀 Nobody")],
    hits=(hit(1, ARTICLE, "put off"),),
    incomplete=True,
    notices=("Stopped.",),
    prompt=PromptUse("00", 12, 3, 1, 2),
)
REFUSED = refusal("Why?", "The articles do not say.", [hit(1, ARTICLE, "put off")])


@pytest.mark.parametrize("kept", [WHOLE, REFUSED], ids=["answer", "refusal"])
def test_what_was_written_is_read_again(kept: Answer) -> None:
    document = json.loads(json.dumps(kept.as_json()))
    again = answer_from_json(document)
    assert again.as_json() == kept.as_json()
    assert (again.statements, again.citations, again.prompt) == (kept.statements, kept.citations, kept.prompt)
    assert again.refused is kept.refused


@given(st.text(), st.floats(0, 1))
def test_any_text_comes_back(text: str, confidence: float) -> None:
    kept = answer("Q", [], [], text=text, confidence=confidence)
    assert answer_from_json(json.loads(json.dumps(kept.as_json()))).as_json() == kept.as_json()


@pytest.mark.parametrize("name", sorted(set(WHOLE.as_json()) - {"refused", "incomplete", "notices", "prompt"}))
def test_a_document_without_a_field_is_no_answer(name: str) -> None:
    document = WHOLE.as_json()
    del document[name]
    with pytest.raises(InputError, match="not an answer"):
        answer_from_json(document)


def test_an_older_document_has_defaults() -> None:
    document = WHOLE.as_json()
    for name in ("incomplete", "notices", "prompt"):
        del document[name]
    again = answer_from_json(document)
    assert (again.incomplete, again.notices, again.prompt) == (False, (), None)
