"""The HTTP interface to what readers say of answers, and to the question set that comes of it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from index.errors import DatelineError, InputError
from index.types import Article
from rag.citations import make_citation
from rag.types import Citation
from ui.answer_api import UNCACHED, kept_error
from ui.backend import Backend
from ui.conversation_store import ConversationNotFoundError, ConversationStore
from ui.feedback_lines import feedback_lines, summary
from ui.feedback_store import MAX_COMMENT_CHARACTERS, FeedbackStore, Judged
from ui.visitors import owner_of_request

MAX_PASSAGE_CHARACTERS = 2_000
"""Longest words that can be pointed out: a few paragraphs. What is right for a question is shorter."""

FILE_NAME = "feedback.jsonl"

_IDENTIFIER = re.compile(r"[0-9a-f]{1,64}", re.ASCII)

_FIELDS: Mapping[str, frozenset[str]] = {
    "answer": frozenset({"helpful", "comment"}),
    "citation": frozenset({"number", "supports"}),
    "passage": frozenset({"article_id", "start_char_index", "end_char_index"}),
}


def create_feedback_router(store: ConversationStore, backend: Backend) -> APIRouter:
    """`POST /api/feedback`, `GET /api/feedback` (the question set), `/summary` and `/{exchange_id}` of it.

    Everything is for the owner of the conversation alone, and checked against the kept answer and the library; the
    words that are kept are cut from the article here, never sent.
    """
    router = APIRouter()
    feedback = FeedbackStore(store)

    @router.post("/api/feedback")
    async def say(request: Request) -> Response:
        owner = owner_of_request(request)
        try:
            document = _parsed(await request.body())
            judged = await run_in_threadpool(_say, feedback, backend, owner, document)
            counts = await run_in_threadpool(summary, store, owner)
        except DatelineError as error:
            return kept_error(error)
        return JSONResponse({**judged.as_json(), "summary": counts}, headers=UNCACHED)

    @router.get("/api/feedback")
    def lines(request: Request) -> Response:
        content = "".join(f"{line}\n" for line in feedback_lines(store, owner_of_request(request), backend))
        headers = {**UNCACHED, "content-disposition": f'attachment; filename="{FILE_NAME}"'}
        return Response(content.encode(), media_type="application/x-ndjson; charset=utf-8", headers=headers)

    @router.get("/api/feedback/summary")
    def counts(request: Request) -> Response:
        return JSONResponse(summary(store, owner_of_request(request)), headers=UNCACHED)

    @router.get("/api/feedback/{exchange_id}")
    def said(exchange_id: str, request: Request) -> Response:
        owner = owner_of_request(request)
        judged = feedback.judged(owner, exchange_id)
        if judged is None and not store.owns(owner, exchange_id):
            return kept_error(ConversationNotFoundError("Only who asked a question can judge its answer."))
        return JSONResponse((judged or Judged(exchange_id, "")).as_json(), headers=UNCACHED)

    return router


def _say(feedback: FeedbackStore, backend: Backend, owner: str, document: Mapping[str, Any]) -> Judged:
    """Keeps or takes back one judgement; what is said of the answer then."""
    exchange_id, kind, clear = document["exchange_id"], document["kind"], document.get("clear", False)
    if clear:
        if not owner or (feedback.judged(owner, exchange_id) is None):
            feedback.answer_of(owner, exchange_id)
        feedback.clear(owner, exchange_id, kind, _place(document))
        return feedback.judged(owner, exchange_id) or Judged(exchange_id, "")
    _, answer = feedback.answer_of(owner, exchange_id)
    place = _place(document)
    said: dict[str, Any]
    if kind == "answer":
        said = {"helpful": _flag(document, "helpful"), "comment": _comment(document)}
    elif kind == "citation":
        if not any(str(citation.number) == place for citation in answer.citations):
            raise InputError(f"This answer has no citation {place}.")
        said = {"supports": _flag(document, "supports")}
    else:
        citation = _passage(backend.article(document["article_id"]), document)
        place = f"{citation.article_id}-{citation.start}-{citation.end}"
        said = citation.as_json()
    feedback.say(owner, exchange_id, kind, place, said)
    judged = feedback.judged(owner, exchange_id)
    assert judged is not None, "it has just been kept"
    return judged


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("The request is not JSON; send an object with 'exchange_id' and 'kind'.") from error
    if not isinstance(document, dict):
        raise InputError("The request is not a JSON object; send one with 'exchange_id' and 'kind'.")
    if not _is_identifier(document.get("exchange_id")):
        raise InputError("The field 'exchange_id' must be the identifier of an answer.")
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise InputError(f"The field 'kind' must be one of {', '.join(_FIELDS)}.")
    if not isinstance(document.get("clear", False), bool):
        raise InputError("The field 'clear' must be true or false.")
    unknown = sorted(set(document) - {"exchange_id", "kind", "clear"} - _FIELDS[kind])
    if unknown:
        raise InputError(f"There is no field {unknown[0][:40]!r} for feedback on {_with_article(kind)}.")
    return document


def _is_identifier(value: object) -> bool:
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def _with_article(kind: str) -> str:
    return f"an {kind}" if kind == "answer" else f"a {kind}"


def _place(document: Mapping[str, Any]) -> str:
    """What a judgement is of, within its answer."""
    if document["kind"] == "answer":
        return ""
    if document["kind"] == "citation":
        return str(_whole(document, "number"))
    if not _is_identifier(document.get("article_id")):
        raise InputError("The field 'article_id' must be the identifier of an article.")
    start, end = _whole(document, "start_char_index"), _whole(document, "end_char_index")
    return f"{document['article_id']}-{start}-{end}"


def _passage(article: Article, document: Mapping[str, Any]) -> Citation:
    """The words of the article between the offsets, without the white space around them."""
    start, end = _whole(document, "start_char_index"), _whole(document, "end_char_index")
    if not start < end <= len(article.text):
        raise InputError(f"Select words of the article: it has the characters 0 to {len(article.text):,}.")
    words = article.text[start:end]
    start += len(words) - len(words.lstrip())
    end -= len(words) - len(words.rstrip())
    if start >= end:
        raise InputError("Select words of the article; there are none between these characters.")
    if end - start > MAX_PASSAGE_CHARACTERS:
        raise InputError(f"Select fewer words: at most {MAX_PASSAGE_CHARACTERS:,} characters, not {end - start:,}.")
    return make_citation(1, article, start, end)


def _flag(document: Mapping[str, Any], name: str) -> bool:
    value = document.get(name)
    if not isinstance(value, bool):
        raise InputError(f"The field {name!r} must be true or false.")
    return value


def _whole(document: Mapping[str, Any], name: str) -> int:
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"The field {name!r} must be a whole number of 0 or more.")
    return value


def _comment(document: Mapping[str, Any]) -> str:
    comment = document.get("comment")
    if comment is None:
        return ""
    if not isinstance(comment, str) or len(comment) > MAX_COMMENT_CHARACTERS:
        raise InputError(f"The field 'comment' must be a text of at most {MAX_COMMENT_CHARACTERS:,} characters.")
    return comment.strip()
