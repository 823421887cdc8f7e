"""Citation marks and references to passages as models write them, and what only looks like one."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.marks import Mark, disarm_marks, readable, take_out_marks

ARTICLE = (
    "The treaty [3] was signed in Geneva (source 1) by all. The Northern passage 2 expedition sailed.² "
    "“Nobody [1] believed it”, she said. The set {2} is finite, Ann (7) too."
)


def numbers(text: str, passages: int = 3, articles: tuple[str, ...] = ()) -> tuple[int, ...]:
    return tuple(number for mark in take_out_marks(text, passages, articles).marks for number in mark.numbers)


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ("¹", (1,)),
        ("¹²", (1, 2)),
        ("⁽¹⁾", (1,)),
        (" ³", (3,)),
        ("<sup>1</sup>", (1,)),
        ('<sup id="a"><a href="#n">[2]</a></sup>', (2,)),
        (r"\[1\]", (1,)),
        ("[[1]]", (1,)),
        ("[[1]](https://news.example/a_(b))", (1,)),
        ("[1†L3-L5]", (1,)),
        ("〔1〕", (1,)),
        ("［１，２］".replace("，", ","), (1, 2)),
        ("[Source: 1]", (1,)),
        ("[S1]", (1,)),
        ("[P1][P2]", (1, 2)),
        ("[1; 2]", (1, 2)),
        ("[1 and 2]", (1, 2)),
        ("[1, 2, and 3]", (1, 2, 3)),
        ("[1], [2] and [3]", (1, 2, 3)),
        ("[1]-[3]", (1, 2, 3)),
        ("{1}", (1,)),
        ("(passage 1)", (1,)),
        ("(see passage 1)", (1,)),
        ("(see [1] and [2])", (1, 2)),
        ("(Passages 1 and 3)", (1, 3)),
        ("[Passage 1, Passage 3]", (1, 3)),
        ("&#91;1&#93;", (1,)),
        ("[1](#cite-a-0-1)", (1,)),
        ("[1](javascript:alert(1))", (1,)),
        ('[1](https://news.example "News")', (1,)),
        ("[3-1]", (3, 1)),
        (", according to passage 2", (2,)),
        (", as stated in [3]", (3,)),
    ],
)
def test_marks_go_with_all_that_belongs_to_them(mark, expected):
    text = f"The strike ended{mark}."
    assert take_out_marks(text, 3).plain == "The strike ended."
    assert numbers(text) == expected
    assert take_out_marks(text, 3).removed == 0


@pytest.mark.parametrize(
    "text",
    [
        "It has 12 km² or 5 m³ of 10² and x², E=mc², ²³⁵U, s⁻¹, 3 inches², 40 metres².",
        "It has 12 km<sup>2</sup>.",
        "He leaves a daughter, Ann (7).",
        "1. Hewitt (3)\n2. Costa (2)",
        "(1) It ended. (2) It began.",
        "They won (3) in the last year. They lost (2) in the first.",
        "${1} {{1}} {a} ${question}",
        "Article 5 of the treaty names document 3.",
        "The Northwest Passage 2 expedition sailed.",
        "The passage 1,200 words long and source 2.5 are no numbers of ours.",
        "Passage 99 describes it.",
    ],
)
def test_numbers_that_are_no_marks_stay(text):
    assert take_out_marks(text, 3) == take_out_marks(text, 9)
    assert take_out_marks(text, 3).plain == text
    assert numbers(text) == ()


@pytest.mark.parametrize(
    ("text", "plain", "expected"),
    [
        ("Passage 2 says that the strike ended.", "The strike ended.", (2,)),
        ("[2] says that the strike ended.", "The strike ended.", (2,)),
        ("Both [1] and [2] say that it ended.", "It ended.", (1, 2)),
        ("Passages 1 and 3 report that it ended.", "It ended.", (1, 3)),
        ("It began. According to [1], it ended.", "It began. It ended.", (1,)),
        ("- As stated in passage 3, it ended.", "- It ended.", (3,)),
        ("In [2], it ended.", "It ended.", (2,)),
        ("As passage 2 notes, it ended.", "It ended.", (2,)),
        ("However, passage 2 says that it ended.", "However, it ended.", (2,)),
        ("Passage 1: It ended.\nPassage 2: It began.", "It ended.\nIt began.", (1, 2)),
        ("According to passage 1, 26 people died.", "26 people died.", (1,)),
        ("Passage 99 says that it ended.", "It ended.", ()),
        ("Passage 2 describes the strike.", "The passage describes the strike.", (2,)),
        ("Neither passage 1 nor passage 2 says that it is so.", None, (1, 2)),
        ("See the passages 1 and 3 of it.", "See the passages of it.", (1, 3)),
        ("Le passage 2 parle du port.", "Le passage parle du port.", (2,)),
    ],
)
def test_references_in_prose(text, plain, expected):
    assert take_out_marks(text, 3).plain == (plain or "Neither the passage nor the passage says that it is so.")
    assert numbers(text) == expected


def test_mark_of_a_phrase_stands_inside_its_statement():
    assert take_out_marks("One. According to [1], “it ended”.", 3).marks == (Mark(7, (1,)),)
    assert take_out_marks("Passage 99 says that it ended.", 3).removed == 1


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("He wrote “the treaty [3] was signed” [1].", "He wrote “the treaty (3) was signed”."),
        ('"The treaty [3][1] was signed."', '"The treaty (3) was signed."'),
        ("The treaty [3] was signed [1].", "The treaty was signed."),
        ("“The pact [3] was signed”", "“The pact was signed”"),
        ("It was signed in Geneva (source 1) [2].", "It was signed in Geneva (source 1)."),
        ("It was signed in Bern (source 1).", "It was signed in Bern."),
        ("The expedition sailed.² It ended.¹", "The expedition sailed.² It ended."),
        ("The northern passage 2 expedition [1] sailed.", "The northern passage 2 expedition sailed."),
        ("The set {2} is finite {1}.", "The set {2} is finite."),
    ],
)
def test_brackets_of_the_articles_are_no_marks(text, plain):
    assert take_out_marks(text, 3, (ARTICLE,)).plain == plain
    assert take_out_marks(plain, 3, (ARTICLE,)).plain == plain


def test_numbers_in_plain_parentheses_are_marks_if_each_sentence_ends_with_one():
    text = "The strike ended after long talks (1). The company gave in at last (2, 3)."
    assert take_out_marks(text, 3).plain == "The strike ended after long talks. The company gave in at last."
    assert numbers(text) == (1, 2, 3)
    assert numbers(text, 2) == ()
    assert numbers(text.replace("(1).", "(1) [1].")) == (1,)
    ages = "He leaves a daughter called Ann (7). She is the one with a brother (1)."
    assert numbers(ages, 9, (ages,)) == ()


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("\n\n[^1]: TASS, 2022", ()),
        ("\n\n[1]: https://news.example\n[2]: https://tass.example", ()),
        ("\n\n## Sources used\n1. TASS\nhttps://news.example", ()),
        ("\n\nReferences\n\n[1] TASS", ()),
        ("\n\nSources: [1], [3]", (1, 3)),
        ("\n**Sources:** 1, 3", (1, 3)),
        ("\n\nSources:", ()),
    ],
)
def test_lists_of_sources_at_the_end_go(ending, expected):
    assert take_out_marks(f"It ended.{ending}", 3).plain == "It ended."
    assert numbers(f"It ended.{ending}") == expected
    assert numbers(f"It ended [2].{ending}") == (2,)


def test_entries_under_a_rule_go_where_the_text_has_marks():
    assert take_out_marks("It ended [2].\n\n---\n[1] TASS\n[2] Desk", 3).plain == "It ended."
    assert take_out_marks("Two things:\n---\n1. It ended.\n2. It began.", 3).plain.endswith("2. It began.")


def test_ranges_do_not_explode():
    marked = take_out_marks("x [1-300] " + "[1-999, 0-998] " * 5_000, 3)
    assert {mark.numbers for mark in marked.marks} == {(1, 2, 3)}
    assert marked.removed == 1 + 3 * 5_000


PIECES = st.one_of(
    st.sampled_from(
        '[1] [2] [ ] ( ) { } 1 2 9 17 ¹ ² ⁽ ⁾ <sup> </sup> \\[ \\] 【 】 〔 〕 &#91; &#93; † , ; : . - – & “ ” " « » '
        "passage Passage passages source Sources article says that: that of in In and According according to as As "
        "stated noted , Both see It ended treaty Geneva https://a.example (# \u200b \u202e \n "
        "\n--- \n[^1]: \n- ١ ２".split(" ")
    ),
    st.sampled_from(re.split(r"(?<=[ .,])", ARTICLE)),
    st.just(" "),
    st.text(max_size=4),
)


@given(st.lists(PIECES, max_size=30).map("".join).map(readable))
@settings(max_examples=600, deadline=None)
def test_nothing_is_left_to_take_out(text):
    for articles in ((), (ARTICLE,)):
        marked = take_out_marks(text, 3, articles)
        assert not re.search(r"\[\s*\d{1,3}\s*\]", marked.plain)
        assert disarm_marks(marked.plain) == marked.plain
        again = take_out_marks(marked.plain, 3, articles)
        assert (again.plain, again.marks) == (marked.plain, ())
        assert all(0 <= mark.position <= len(marked.plain) for mark in marked.marks)
        assert list(marked.marks) == sorted(marked.marks, key=lambda mark: mark.position)
        assert {number for mark in marked.marks for number in mark.numbers} <= {1, 2, 3}


@pytest.mark.parametrize(
    "piece",
    [
        *("[", "“[1]", '"', "\\[", "&#91;", "{", "¹", "<sup>", "【1", "[1][1", "passage 1 ", "passage 99, ", "[[1]1]"),
        *("according to ", "According to [1], ", "as stated in [", "passages 1, 1, ", "[1] and ", "Sources:\n[1]\n"),
        *(
            "[1]\n---\n",
            "“the treaty [3] ",
            "the treaty (source 1",
            "(see [1",
            "Sources: 1, 1, ",
            "[^1]: ",
            "It is so (1). ",
        ),
    ],
)
def test_hostile_text_takes_no_time(piece):
    text = piece * (200_000 // len(piece))
    take_out_marks(text, 3, (ARTICLE,))
    disarm_marks(text)
