"""A real library behind the page: used by several threads, changed by another process meanwhile."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes import BagOfWordsEncoder, ScriptedGenerator

from index.errors import ArticleNotFoundError, InputError, LibraryNotFoundError, ModelError, StoppedError
from index.ingest import index_paths
from index.library import Library
from index.types import SearchFilter
from rag.types import Answer, Question
from ui.shared_library import SharedLibrary


def add(path: Path, name: str, text: str) -> None:
    """Indexes one more article into the library, as another process would."""
    file = path.parent / name
    file.write_text(text)
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        assert index_paths(library, [str(file)]).added == 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def shared(path: Path):
    library = SharedLibrary.open(path, model="extractive", k=8, encoder=BagOfWordsEncoder())
    yield library
    library.close()


def test_a_library_made_later_is_found_and_its_changes_are_seen(path: Path, shared: SharedLibrary) -> None:
    with pytest.raises(LibraryNotFoundError):
        shared.summaries()
    add(path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    assert [summary.characters for summary in shared.summaries()] == [36]
    before = shared.generation()
    add(path, "vote.txt", "The vote on the harbour was put off until May.")
    assert len(shared.summaries()) == 2
    assert shared.generation() > before
    answer = shared.ask(Question("When was the vote on the harbour put off until?"))
    assert answer.library_generation == shared.generation()
    assert {hit.passage.article_id for hit in answer.hits} == {summary.article_id for summary in shared.summaries()}


def test_a_library_that_was_replaced_is_opened_again(path: Path, shared: SharedLibrary, tmp_path: Path) -> None:
    add(path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    assert len(shared.summaries()) == 1
    add(tmp_path / "other", "vote.txt", "The vote on the harbour was put off until May.")
    path.rename(tmp_path / "former")
    (tmp_path / "other").rename(path)
    (found,) = shared.summaries()
    assert found.title.startswith("The vote")
    assert [hit.passage.article_id for hit in shared.ask(Question("Who lit the lamp?")).hits] == [found.article_id]
    path.rename(tmp_path / "again")
    with pytest.raises(LibraryNotFoundError):
        shared.summaries()


def test_threads_that_ask_at_once_do_not_wait_for_each_other_for_ever(path: Path, shared: SharedLibrary) -> None:
    add(path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    library = shared._shared()
    inside, found = threading.Event(), []

    def other() -> None:
        inside.wait(30)
        found.append(library.keyword("lamp", 1, SearchFilter()))

    thread = threading.Thread(target=other, daemon=True)
    thread.start()

    def first() -> None:
        with library.snapshot():
            inside.set()
            time.sleep(0.2)  # until the other one waits
            found.append(library.dense("lamp", 1, SearchFilter()))

    one = threading.Thread(target=first, daemon=True)
    one.start()
    one.join(30)
    thread.join(30)
    assert len(found) == 2


def test_an_answer_cites_the_text_of_its_article(path: Path, shared: SharedLibrary) -> None:
    add(path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    *pieces, answer = shared.stream(Question("When was the lamp lit?"), k=1)
    assert all(isinstance(piece, str) for piece in pieces)
    assert isinstance(answer, Answer)
    assert len(answer.hits) == 1
    for citation in answer.citations:
        assert shared.article(citation.article_id).text[citation.start : citation.end] == citation.cited_text
    assert [passage.article_id for passage in shared.passages(answer.hits[0].passage.article_id)] == [
        answer.hits[0].passage.article_id
    ]
    with pytest.raises(ArticleNotFoundError):
        shared.article("0" * 16)


def test_cited_words_are_looked_for_in_what_the_library_holds_now(path: Path, shared: SharedLibrary) -> None:
    add(path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    (citation,) = shared.ask(Question("When was the lamp lit?")).citations
    assert shared.verify(citation).verdict == "unchanged"
    file = path.parent / "lamp.txt"
    for text, verdict, start in (
        ("Updated. The lamp was lit in 1923 by Ann Lee.", "moved", 9),
        ("The lamp was lit by Bo Ray.", "edited", None),
    ):
        file.write_text(text)
        with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
            index_paths(library, [str(file)])
        found = shared.verify(citation)
        assert (found.verdict, found.start) == (verdict, start)
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.remove_origins([str(file)])
    assert shared.verify(citation).verdict == "gone"


def test_many_threads_get_the_answer_of_one(path: Path, shared: SharedLibrary) -> None:
    add(path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    questions = [Question(f"When was the lamp lit, {number}?") for number in range(40)]
    alone = [shared.ask(question).text for question in questions]
    shared.close()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(shared.ask, questions))
        listings = list(pool.map(lambda _: len(shared.summaries()), range(40)))
    assert [answer.text for answer in together] == alone
    assert listings == [1] * 40


def test_warming_up_loads_the_encoder_once_and_forgives_a_missing_library(
    path: Path, shared: SharedLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def load(name: str) -> BagOfWordsEncoder:
        loaded.append(name)
        return BagOfWordsEncoder(name)

    monkeypatch.setattr("index.library.load_encoder", load)
    cold = SharedLibrary.open(path, model="extractive", k=8)
    cold.warm_up()
    assert loaded == []
    add(path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    assert len(cold.summaries()) == 1
    cold.warm_up()
    assert loaded == ["bag-of-words"]
    cold.ask(Question("When was the lamp lit?"))
    assert loaded == ["bag-of-words"]
    cold.close()


def test_a_model_that_does_not_exist_is_refused_at_once(path: Path) -> None:
    with pytest.raises(ModelError):
        SharedLibrary.open(path, model="nosuch:model", k=8)


def test_offered_models_are_made_once_when_they_are_first_asked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def load(name: str) -> ScriptedGenerator | None:
        made.append(name)
        return None if name == "extractive" else ScriptedGenerator("The lamp was lit in 1923 [1].")

    monkeypatch.setattr("ui.shared_library.load_generator", load)
    add(path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    offered = ["openai:b", "extractive", "openai:a"]
    library = SharedLibrary.open(path, model="openai:a", k=8, encoder=BagOfWordsEncoder(), offered=offered)
    assert library.models == ("openai:a", "extractive", "openai:b")
    assert made == ["openai:a"]
    asked = Question("When was the lamp lit?")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: library.ask(asked, model="openai:b"), range(8)))
    assert {answer.model for answer in answers} == {"scripted:model"}
    assert library.ask(asked, model="extractive").model == "extractive"
    assert library.ask(asked).model == "scripted:model"
    assert made == ["openai:a", "openai:b", "extractive"]
    with pytest.raises(InputError, match="There is no model 'hf:/etc' here"):
        library.ask(asked, model="hf:/etc")
    assert made == ["openai:a", "openai:b", "extractive"]
    library.close()


def test_stop_ends_a_silent_model_and_its_failure_is_logged(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Silent:
        name = "scripted:silent"

        def generate(self, messages, *, max_tokens, stop=None):
            yield "The lamp was lit in 1923 [1]."
            stop.wait(10)
            return "stopped"

    monkeypatch.setattr("ui.shared_library.load_generator", lambda name: Silent())
    add(path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    library = SharedLibrary.open(path, model="openai:a", k=8, encoder=BagOfWordsEncoder())
    stop = threading.Event()
    items = library.stream(Question("When was the lamp lit?"), stop=stop)
    assert next(items) == "The lamp was lit in 1923 [1]."
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    answer = next(items)
    assert time.monotonic() - began < 1.1
    assert isinstance(answer, Answer)
    assert answer.incomplete
    monkeypatch.setattr(library, "_generators", {"openai:a": ScriptedGenerator(fails=True)})
    assert library.ask(Question("When was the lamp lit?")).model == "extractive"
    assert "scripted:model went away" in caplog.text
    library.close()


def test_wrong_prompts_are_said_at_the_start_where_a_model_may_need_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATELINE_PROMPTS", str(path / "none"))
    monkeypatch.setattr("ui.shared_library.load_generator", lambda name: ScriptedGenerator())
    with pytest.raises(InputError, match="folder of prompts"):
        SharedLibrary.open(path, model="extractive", k=8, offered=["openai:a"])
    SharedLibrary.open(path, model="extractive", k=8)


@pytest.fixture
def loaded(monkeypatch) -> list[str]:
    """The encoders that were loaded, by name."""
    names: list[str] = []

    def load(name: str = "default") -> BagOfWordsEncoder:
        names.append(name)
        return BagOfWordsEncoder()

    monkeypatch.setattr("index.library.load_encoder", load)
    monkeypatch.setattr("ui.shared_library.load_encoder", load)
    return names


def put(shared: SharedLibrary, path: Path, name: str, text: str) -> None:
    """Adds an article as the page does."""
    file = path.parent / name
    file.write_text(text)
    with shared.writing() as library:
        assert index_paths(library, [str(file)]).added == 1


def test_readers_and_the_writer_share_one_encoder(path: Path, loaded: list[str]) -> None:
    shared = SharedLibrary.open(path, model="extractive", k=8)
    put(shared, path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    assert shared.ask(Question("When was the lamp lit?")).hits
    put(shared, path, "vote.txt", "The vote on the harbour was put off until May.")
    shared.warm_up()
    assert len(shared.ask(Question("When was the vote on the harbour?")).hits) == 2
    assert len(loaded) == 1
    shared.close()


def test_the_encoder_of_a_reader_is_taken_over_by_the_writer(path: Path, loaded: list[str]) -> None:
    add(path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    shared = SharedLibrary.open(path, model="extractive", k=8)
    assert shared.ask(Question("When was the lamp lit?")).hits
    put(shared, path, "vote.txt", "The vote on the harbour was put off until May.")
    assert len(shared.ask(Question("When was the vote on the harbour?")).hits) == 2
    assert loaded == ["bag-of-words"]
    shared.close()


def test_a_new_library_is_made_with_the_encoder_of_the_settings(path: Path, loaded: list[str], monkeypatch) -> None:
    monkeypatch.setenv("DATELINE_ENCODER", "models/ours")
    shared = SharedLibrary.open(path, model="extractive", k=8)
    put(shared, path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    assert loaded == ["models/ours"]
    shared.close()


def test_nothing_is_loaded_to_warm_up_where_there_is_no_library(path: Path, loaded: list[str]) -> None:
    shared = SharedLibrary.open(path, model="extractive", k=8)
    shared.warm_up()
    assert loaded == []
    assert not path.exists()


def test_to_stop_ends_a_change_and_loses_nothing_that_was_added(path: Path, loaded: list[str]) -> None:
    shared = SharedLibrary.open(path, model="extractive", k=8)
    put(shared, path, "lamp.txt", "The lamp was lit in 1923 by Ann Lee.")
    opened, go_on = threading.Event(), threading.Event()
    ended: list[str] = []

    def change() -> None:
        (path.parent / "vote.txt").write_text("The vote on the harbour was put off until May.")
        try:
            with shared.writing() as library:
                opened.set()
                assert go_on.wait(20)
                index_paths(library, [str(path.parent / "vote.txt")])
        except StoppedError as error:
            ended.append(str(error))

    changing = threading.Thread(target=change)
    changing.start()
    assert opened.wait(20)
    stopping = threading.Thread(target=shared.stop)
    stopping.start()
    while not shared._encoder._is_stopped.is_set():
        time.sleep(0.001)
    assert stopping.is_alive()
    go_on.set()
    stopping.join(20)
    changing.join(20)
    assert not stopping.is_alive()
    assert ended == ["The server was stopped; add it again when it runs."]
    assert [summary.title for summary in shared.summaries()] == ["The lamp was lit in 1923 by Ann Lee."]
    shared.close()
