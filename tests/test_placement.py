"""Names, numbers and dates in the place of others."""

from rag.placement import exchanged_sides, items_of, misplaced_items
from rag.words import Words


def misplaced(statement, *evidence):
    return [problem.detail for problem in misplaced_items(Words.of(statement), [Words.of(text) for text in evidence])]


def test_items_are_runs_of_names_and_whole_dates():
    items = items_of(Words.of("Judge Ilse Varnholt met 340 envoys on 14 May 2019.").tokens)
    assert [(item.kind, len(item.terms)) for item in items] == [("name", 3), ("number", 1), ("date", 3)]


def test_words_weigh_the_more_the_nearer_they_are():
    (item,) = [item for item in items_of(Words.of("Dlaka won the run-off.").tokens) if item.kind == "name"]
    weights = [item.around[term] for word in ("won", "run", "off") for term in Words.of(word).terms]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == 1.0


def test_a_name_with_the_words_of_another():
    evidence = "Opposition leader Nomvula Dlaka won the presidency of Zembara; Ezekiel Marimo conceded within an hour."
    assert misplaced("Ezekiel Marimo won the presidency of Zembara.", evidence) == ["Ezekiel Marimo"]
    assert misplaced("Nomvula Dlaka won the presidency of Zembara.", evidence) == []


def test_a_name_made_of_two():
    evidence = "The court upheld the conviction of Goran Vukadin. His son Luka said nothing."
    assert "Luka Vukadin" in misplaced("The court upheld the conviction of Luka Vukadin.", evidence)
    assert misplaced("The court upheld the conviction of Vukadin.", evidence) == []


def test_two_dates_whose_parts_are_mixed():
    evidence = "The talks began on 2 March and ended on 10 February."
    assert misplaced("The talks began on 2 February.", evidence) == ["2 February"]


def test_the_other_number_of_a_sentence():
    evidence = "The club owes 71 million pesos, of which 22 million fall due in June."
    assert misplaced("Of the debt, 71 million fall due in June.", evidence) != []
    assert misplaced("The club owes 71 million pesos.", evidence) == []


def test_a_name_right_beside_is_no_other_place():
    evidence = "Foreign Minister Ilse Varnholt of Kestria told reporters on Tuesday that talks would go on."
    assert misplaced("Ilse Varnholt told reporters that talks would go on.", evidence) == []


def test_who_does_what_to_whom():
    def exchanged(statement, evidence):
        return list(exchanged_sides(Words.of(statement), [Words.of(evidence)])) != []

    assert exchanged("The ministry accused the union of fraud.", "The union accused the ministry of fraud.")
    assert not exchanged("The ministry was accused of fraud by the union.", "The union accused the ministry of fraud.")
    assert not exchanged("The union accused the ministry.", "The union, which had met, accused the ministry of fraud.")
