"""Questions offered by an empty conversation."""

from fake_backend import FakeBackend, answer, make_article

from ui.examples import EXAMPLES, example_questions


def examples(*articles) -> list[str]:
    backend = FakeBackend(articles, lambda question: answer(question.text, [], []))
    return example_questions(backend, backend.summaries())


def speech(name: str, times: int) -> str:
    return "\n".join(f'"It is day {day}," {name} said on Monday.' for day in range(times))


def test_people_who_speak_are_asked_for_once_each() -> None:
    articles = [
        make_article(speech("Ann Lee", 3) + "\n" + speech("Bo Kim", 2), "One"),
        make_article(speech("Lee", 2), "Two"),
        make_article(speech("Cy Fox", 1), "Three"),
        make_article(speech("Di Roe", 2), "Four"),
    ]
    assert examples(*articles) == ["What did Ann Lee say?", "What did Di Roe say?"]


def test_titles_are_asked_about_where_nobody_speaks() -> None:
    articles = [make_article(f"Nothing, {n}.", title) for n, title in enumerate(["[A b]", "A b…", "C", "D"])]
    assert examples(*articles) == ["What is known about “A b”?", "What is known about “C”?"]


def test_there_are_few_and_none_for_an_empty_library() -> None:
    articles = [make_article(speech(f"Ann {name}", 2), name) for name in ("Lee", "Kim", "Fox", "Roe", "Poe")]
    assert len(examples(*articles)) == EXAMPLES
    assert examples() == []


def test_an_article_that_is_gone_is_passed_over() -> None:
    backend = FakeBackend([make_article(speech("Ann Lee", 2), "One")], lambda question: answer(question.text, [], []))
    summaries = backend.summaries()
    backend.articles.clear()
    assert example_questions(backend, summaries) == ["What is known about “One”?"]
