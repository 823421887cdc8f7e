"""Conversations in a file: whose they are, what outlives a restart, what replaces what."""

import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from fake_backend import answer, cite, make_article

from index.errors import InputError
from index.types import SearchFilter
from rag.types import Statement
from ui.conversation_store import FILE_NAME, INTERRUPTED, ConversationNotFoundError, ConversationStore
from ui.exchanges import Asked

ARTICLE = make_article("The vote was put off.", "The vote")
ANSWER = answer("When?", [Statement("Off.", (1,), "verbatim")], [cite(1, ARTICLE, "put off")])


@pytest.fixture
def store(tmp_path: Path):
    store = ConversationStore.open(tmp_path)
    yield store
    store.close()


def test_what_was_asked_and_answered_outlives_a_restart(tmp_path: Path) -> None:
    store = ConversationStore.open(tmp_path / "deep" / "state")
    days = SearchFilter(date(2017, 1, 1), None, frozenset({"Desk"}), date(2018, 2, 3))
    first = store.begin("ann", "", Asked("  When is\nthe vote? ", "extractive", days))
    store.save(replace(first, state="finished", text=ANSWER.text, answer=ANSWER))
    second = store.begin("ann", first.conversation_id, Asked("And why?", "openai:a"))
    store.save(replace(second, text="It was\ud800"))
    store.close()

    store = ConversationStore.open(tmp_path / "deep" / "state")
    kept, cut = store.exchanges("ann", first.conversation_id)
    assert (kept.question, kept.filter, kept.state, kept.model) == (
        "  When is\nthe vote? ",
        days,
        "finished",
        "extractive",
    )
    assert kept.answer is not None
    assert kept.answer.as_json() == ANSWER.as_json()
    assert (cut.state, cut.text, cut.note) == ("broken", "It was?", INTERRUPTED)
    assert [(one.title, one.questions) for one in store.conversations("ann")] == [("When is the vote?", 2)]
    file = tmp_path / "deep" / "state" / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    store.close()


def test_nobody_sees_or_changes_what_is_somebody_elses(store: ConversationStore) -> None:
    exchange = store.begin("ann", "", Asked("When?", "extractive"))
    assert store.conversations("bo") == []
    assert store.exchanges("bo", exchange.conversation_id) == []
    for change in (
        lambda: store.rename("bo", exchange.conversation_id, "Mine"),
        lambda: store.delete("bo", exchange.conversation_id),
        lambda: store.conversation("bo", exchange.conversation_id),
    ):
        with pytest.raises(ConversationNotFoundError):
            change()
    other = store.begin("bo", exchange.conversation_id, Asked("What?", "extractive", replaces=exchange.exchange_id))
    assert other.conversation_id != exchange.conversation_id
    assert [one.question for one in store.exchanges("ann", exchange.conversation_id)] == ["When?"]
    assert (store.owns("ann", exchange.exchange_id), store.owns("bo", exchange.exchange_id)) == (True, False)
    assert not store.owns("", exchange.exchange_id)


def test_a_replaced_exchange_and_what_followed_leave_the_conversation_but_keep_their_links(
    store: ConversationStore,
) -> None:
    first = store.begin("ann", "", Asked("One?", "extractive"))
    second = store.begin("ann", first.conversation_id, Asked("Two?", "extractive"))
    third = store.begin("ann", first.conversation_id, Asked("Three?", "extractive"))
    again = store.begin("ann", first.conversation_id, Asked("Two, then?", "extractive", replaces=second.exchange_id))
    assert [one.question for one in store.exchanges("ann", first.conversation_id)] == ["One?", "Two, then?"]
    assert [store.exchange(one.exchange_id).question for one in (second, third, again)] == [
        "Two?",
        "Three?",
        "Two, then?",
    ]


def test_the_latest_conversation_comes_first_and_can_be_renamed_and_deleted(store: ConversationStore) -> None:
    old = store.begin("ann", "", Asked("Old?", "extractive"))
    new = store.begin("ann", "", Asked("N" * 200, "extractive"))
    assert [one.conversation_id for one in store.conversations("ann")] == [new.conversation_id, old.conversation_id]
    store.rename("ann", old.conversation_id, "  The   old one ")
    assert store.conversation("ann", old.conversation_id).title == "The old one"
    for title in ("  ", "x" * 201):
        with pytest.raises(InputError, match="1 to 200 characters"):
            store.rename("ann", old.conversation_id, title)
    store.delete("ann", new.conversation_id)
    assert [one.title for one in store.conversations("ann")] == ["The old one"]
    with pytest.raises(ConversationNotFoundError):
        store.exchange(new.exchange_id)
    store.save(replace(new, state="finished"))  # a late answer to what was deleted is let go


def test_a_folder_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="--state"):
        ConversationStore.open(tmp_path / "file")
    (tmp_path / FILE_NAME).write_text("no database, but long enough to be looked at as one" * 30)
    with pytest.raises(InputError, match="--state"):
        ConversationStore.open(tmp_path)


def test_without_a_folder_it_is_kept_in_memory() -> None:
    store = ConversationStore.open(None)
    exchange = store.begin("ann", "", Asked("When?", "extractive"))
    assert store.exchanges("ann", exchange.conversation_id) == [exchange]
    store.close()
