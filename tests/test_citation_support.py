"""ALCE's citation recall and precision against a case worked by hand, and the rules as a judge."""

import pytest

from eval.citation_support import CitationSupport, RuleChecker, evidence_text, score_support


class LetterChecker:
    """Supports a statement whose letters all stand in the evidence's last lines; counts what it is asked."""

    name = "letters"

    def __init__(self):
        self.asked = 0

    def supports(self, evidence, statement):
        self.asked += 1
        return set(statement) <= set("".join(text.splitlines()[-1] for text in evidence))


def citation(number, text, *, title="", source=None, published=None):
    return {"number": number, "title": title, "source": source, "published": published, "cited_text": text}


def document(citations, statements, *, refused=False):
    return {
        "refused": refused,
        "citations": [citation(number, text) for number, text in citations.items()],
        "statements": [{"text": text, "citations": numbers} for text, numbers in statements],
    }


def test_the_case_worked_by_hand():
    case = document(
        {1: "a", 2: "b", 3: "ab", 4: "c", 5: "ab"},
        [("ab", [1, 2]), ("ab", [3, 4]), ("d", [5]), ("e", [])],
    )
    # Statements 1 and 2 of 4 are supported; of the citations 1, 2 and 3 of 5 are precise: 4 is superfluous, and 5 is
    # of a statement that is not supported.
    assert score_support(case, LetterChecker()) == CitationSupport(recall=2 / 4, precision=3 / 5)


@pytest.mark.parametrize(
    ("citations", "numbers", "precise"),
    [
        # Each carries "ab" alone: neither is needed, and ALCE calls both precise.
        ({1: "ab", 2: "ab"}, [1, 2], 2),
        # 3 carries nothing, but 1 alone does not either: only with 2.
        ({1: "a", 2: "b", 3: "c"}, [1, 2, 3], 2),
        # 1 and 2 are each in place of the other: without one of them the rest is still enough.
        ({1: "a", 2: "a", 3: "b"}, [1, 2, 3], 1),
        # The same number twice is one citation.
        ({1: "ab"}, [1, 1], 1),
    ],
)
def test_which_citations_are_precise(citations, numbers, precise):
    support = score_support(document(citations, [("ab", numbers)]), LetterChecker())
    assert support == CitationSupport(1.0, precise / len(set(numbers)))


def test_one_citation_is_judged_once():
    checker = LetterChecker()
    score_support(document({1: "ab"}, [("ab", [1])]), checker)
    assert checker.asked == 1


def test_without_citations_precision_is_zero_and_a_refusal_has_neither():
    assert score_support(document({}, [("a", [])]), LetterChecker()) == CitationSupport(0.0, 0.0)
    assert score_support(document({}, [], refused=True), LetterChecker()) is None
    assert score_support(document({}, []), LetterChecker()) is None


def test_a_number_without_an_entry_supports_nothing():
    assert score_support(document({1: "a"}, [("a", [1, 9])]), LetterChecker()) == CitationSupport(0.0, 0.0)


def test_evidence_has_title_source_and_date_above_the_words():
    full = citation(1, "He spoke.", title="Talks end", source="Agency", published="2017-06-03")
    assert evidence_text(full) == "Title: Talks end\nAgency, 3 June 2017\nHe spoke."
    assert evidence_text(citation(1, "He spoke.", title="Talks end")) == "Title: Talks end\nHe spoke."
    partly = citation(1, "He spoke.", title="Talks end", published="--12-25")
    assert evidence_text(partly) == "Title: Talks end\n25 December\nHe spoke."


def rules(statement, *citations):
    return RuleChecker().supports([evidence_text(each) for each in citations], statement)


def test_rules_support_words_of_the_article_with_their_attribution():
    cited = citation(
        1, "The council voted 9 to 2 for the new harbour.", title="Harbour", source="Gazette", published="2021-03-04"
    )
    assert rules("The council voted 9 to 2 for the new harbour. (Gazette, 4 March 2021)", cited)
    assert rules("The council voted 9 to 2 for the new harbour.", cited)
    assert not rules("The council voted 9 to 2 for the new harbour. (Gazette, 5 March 2021)", cited)
    assert not rules("The council voted 9 to 2 for the new harbour. (Courier, 4 March 2021)", cited)
    assert not rules("The council voted 8 to 2 for the new harbour.", cited)
    assert not rules("The council did not vote for the new harbour.", cited)


def test_rules_take_all_citations_together():
    quote = citation(1, '"We will rebuild the old bridge before winter," she said.', title="Bridge")
    speaker = citation(2, "Mayor Ada Lindqvist spoke to reporters.", title="Bridge")
    statement = 'Mayor Ada Lindqvist: "We will rebuild the old bridge before winter," she said.'
    assert rules(statement, quote, speaker)
    assert not rules(statement, quote)
    assert not rules(statement, speaker)


def test_the_label_of_the_title_is_no_evidence():
    cited = citation(1, "The council voted.", title="Harbour")
    assert not rules("The title was voted by the council.", cited)
