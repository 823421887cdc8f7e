"""The proposals as a whole: what is in the file, that they are the same each time, and that none is padded."""

import json
from collections import Counter

import pytest

from eval.draft import draft_questions, draft_set, write_drafts
from eval.draft_checks import content_terms
from eval.draft_types import Draft, stories
from eval.types import Evidence
from index.errors import InputError, ModelError
from index.types import normalise_text
from tests.small_library import library_of, made_article

TOWNS = ("Varn", "Ostrow", "Kelby", "Marsk", "Tolen", "Brix")
PEOPLE = ("Ann Lee", "Boris Kuhn", "Clara Wint", "Dmitri Falk", "Erna Holt", "Farid Nour")


def town_article(number: int):
    town, person, amount = TOWNS[number], PEOPLE[number], 140 + 13 * number
    text = (
        f"The {town} Ferry Company employs {amount} people. The harbour of {town} was founded in {1900 + number * 7}. "
        f"{person} was elected mayor of {town} in {2001 + number}. {person} called the harbour of {town} “a cold wet "
        f"museum number {number}”. {person} said that {town} would sell the {town} Castle to a foreign bank.\n"
        f"“The gulls of {town} have eaten every sandwich on the pier,” {person} said.\n"
        f"Nobody on the quay of the {town} Canal answered."
    )
    return made_article(text, f"town{number}", source="Post", published=f"2020-01-0{number + 1}")


@pytest.fixture
def library(tmp_path):
    with library_of(tmp_path / "library", [town_article(number) for number in range(len(TOWNS))]) as opened:
        yield opened


def test_questions_are_answered_word_for_word_in_the_quotes_that_they_name(library):
    texts = {}
    for story in stories(library, [summary.article_id for summary in library.articles()]):
        texts[story.name] = story.article.text
    made = [draft for draft in draft_questions(library, count=24, seed=1) if draft.answerable]
    assert len(made) >= 12
    for draft in made:
        quotes = [place.quote or "" for place in draft.evidence]
        assert all(quote in texts[place.article] for quote, place in zip(quotes, draft.evidence, strict=True))
        assert draft.answers
        assert all(any(answer in quote for quote in quotes) for answer in draft.answers)


def test_about_a_third_is_meant_to_have_no_answer_and_all_are_spread(library):
    made = draft_questions(library, count=18, seed=1)
    assert len(made) == 18
    assert sum(1 for draft in made if not draft.answerable) == 6
    answerable = [draft for draft in made if draft.answerable]
    assert len({draft.method for draft in answerable}) >= 4
    assert len({draft.cluster for draft in answerable}) >= 5
    assert max(Counter(draft.method for draft in answerable).values()) <= 6


def test_the_share_without_answer_can_be_set(library):
    assert all(draft.answerable for draft in draft_questions(library, count=6, seed=1, near_miss_share=0))
    assert not any(draft.answerable for draft in draft_questions(library, count=4, seed=1, near_miss_share=1))


def test_the_same_seed_gives_the_same_questions_and_another_one_others(library):
    first, again, other = (draft_questions(library, count=10, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert [draft.question for draft in first] != [draft.question for draft in other]


def test_no_two_questions_are_alike_and_identifiers_count(library):
    made = draft_questions(library, count=30, seed=2)
    assert [draft.id for draft in made] == [f"draft-{number:03}" for number in range(1, len(made) + 1)]
    terms = [content_terms(draft.question) for draft in made]
    for position, one in enumerate(terms):
        assert all(len(one & other) < 0.6 * len(one | other) for other in terms[:position])


def test_fewer_are_returned_where_there_are_no_more(tmp_path):
    with library_of(tmp_path / "one", [made_article("The Varn Ferry Company employs 146 people.", "one")]) as library:
        made = draft_questions(library, count=50, seed=1)
    assert [draft.question for draft in made] == ["How many people does the Varn Ferry Company employ?"]


def test_an_empty_library_gives_nothing(tmp_path):
    with library_of(tmp_path / "empty", []) as library:
        assert draft_questions(library, count=5, seed=1) == []


def test_what_two_articles_answer_differently_names_the_article(tmp_path):
    articles = [
        made_article("The Varn Ferry Company employs 146 people.", "one", source="Post", published="2019-05-01"),
        made_article("The Varn Ferry Company now employs 118 people.", "two", source="Post", published="2023-05-01"),
    ]
    with library_of(tmp_path / "two", articles) as library:
        made = draft_questions(library, count=5, seed=1, near_miss_share=0)
    assert {draft.question for draft in made} <= {
        "According to the Post article of 1 May 2019, how many people does the Varn Ferry Company employ?",
        "According to the Post article of 1 May 2023, how many people does the Varn Ferry Company employ?",
    }
    assert made
    assert "Names the article" in made[0].note


def test_what_one_article_answers_in_two_ways_is_not_asked(tmp_path):
    text = "The Varn Ferry Company employs 146 people. The Varn Ferry Company employs 118 people."
    with library_of(tmp_path / "one", [made_article(text, "one")]) as library:
        made = draft_set(library, count=5, seed=1)
    assert made.drafts == ()
    assert made.dropped["its article answers it in two ways"] == 2


def test_articles_with_the_same_file_name_are_named_by_their_origin(tmp_path):
    one = made_article("The Varn Ferry Company employs 146 people.", "a/news")
    other = made_article("The mayor of Kelby slept.", "b/news")
    with library_of(tmp_path / "library", [one, other]) as library:
        made = draft_questions(library, count=1, seed=1, near_miss_share=0)
    assert made[0].evidence[0].article == one.origin


def test_progress_counts_articles(library):
    seen = []
    draft_questions(library, count=5, seed=1, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, len(TOWNS)) for number in range(1, len(TOWNS) + 1)]


class Model:
    """Asks one question of each article, whose quote is its first sentence; or fails."""

    name = "scripted:model"

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def generate(self, messages, *, max_tokens):
        if self.error is not None:
            raise self.error
        quote = messages[1].content.split("\n")[1].split(". ")[0] + "."
        town = quote.split()[1]
        yield json.dumps({"question": f"What is the staff of ferries in {town}?", "answer": quote.split()[-2],
                          "quote": quote})  # fmt: skip


def test_a_model_writes_half_of_the_answerable_questions(library):
    made = draft_set(library, count=9, seed=1, generator=Model())
    by_model = [draft for draft in made.drafts if draft.method == "model:scripted:model"]
    assert len(made.drafts) == 9
    assert len(by_model) == 3
    assert all(draft.answerable for draft in by_model)
    assert made.model_errors == ()


def test_without_the_model_there_are_questions_by_rules_and_its_errors_are_told(library):
    made = draft_set(library, count=9, seed=1, generator=Model(ModelError("no server")))
    assert len(made.drafts) == 9
    assert set(made.model_errors) == {"no server"}
    assert made.drafts == draft_set(library, count=9, seed=1).drafts


def proposal() -> Draft:
    place = Evidence("a.txt", normalise_text("Zoë has “3” boats."))
    return Draft("draft-001", "How many boats has Zoë?", ("3",), (place,), True, "number", "number", "S", "N", "a.txt")


def test_the_file_is_a_question_set_of_proposals(tmp_path):
    path = tmp_path / "drafts.jsonl"
    write_drafts(path, [proposal(), proposal().numbered(2)])
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert json.loads(lines[0]) == {
        "id": "draft-001",
        "question": "How many boats has Zoë?",
        "answers": ["3"],
        "evidence": [{"article": "a.txt", "quote": "Zoë has “3” boats."}],
        "answerable": True,
        "type": "number",
        "cluster": "a.txt",
        "review": "proposed",
        "draft": {"method": "number", "sentence": "S", "note": "N"},
    }
    assert "Zoë" in lines[0]


def test_a_file_that_is_there_is_never_overwritten(tmp_path):
    path = tmp_path / "drafts.jsonl"
    path.write_text("edited", encoding="utf-8")
    with pytest.raises(InputError, match="already a file"):
        write_drafts(path, [proposal()])
    assert path.read_text(encoding="utf-8") == "edited"


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_drafts(tmp_path / "missing" / "drafts.jsonl", [proposal()])
