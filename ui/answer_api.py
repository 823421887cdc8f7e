"""The HTTP interface to what was answered: an answer by its identifier, its page, and files to carry away."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from index.errors import DatelineError
from ui.api import error_response
from ui.backend import Backend
from ui.conversation_store import ConversationNotFoundError, ConversationStore
from ui.exchanges import Exchange
from ui.exports import Export, export
from ui.kept_page import answer_page, gone_page
from ui.texts import texts_for
from ui.visitors import owner_of_request

UNCACHED = {"cache-control": "no-store", "x-robots-tag": "noindex"}
"""For what changes with the library, and is for those alone who were given its address: no cache keeps a copy."""


def create_answer_router(store: ConversationStore, backend: Backend) -> APIRouter:
    """`GET /api/answers/{id}`, `GET /a/{id}` and the exports of an answer and of a conversation.

    Whoever has the identifier of an answer may read it; a conversation is for its owner.
    """
    router = APIRouter()

    @router.get("/api/answers/{exchange_id}")
    def answer(exchange_id: str, request: Request) -> Response:
        try:
            exchange = store.exchange(exchange_id)
        except DatelineError as error:
            return kept_error(error)
        owned = store.owns(owner_of_request(request), exchange_id)
        return JSONResponse(exchange_json(exchange, owned=owned), headers=UNCACHED)

    @router.get("/a/{exchange_id}")
    def page(exchange_id: str, request: Request) -> Response:
        texts = texts_for(request.headers.get("accept-language"))
        try:
            exchange = store.exchange(exchange_id)
        except ConversationNotFoundError:
            return HTMLResponse(gone_page(texts), status_code=404, headers=UNCACHED)
        return HTMLResponse(answer_page(exchange, backend, texts), headers=UNCACHED)

    @router.get("/api/answers/{exchange_id}/export")
    def export_answer(exchange_id: str, request: Request) -> Response:
        texts = texts_for(request.headers.get("accept-language"))
        try:
            exchange = store.exchange(exchange_id)
            wanted = request.query_params.get("format", "")
            return _file(export([exchange], exchange.question, wanted, backend, texts))
        except DatelineError as error:
            return kept_error(error)

    @router.get("/api/conversations/{conversation_id}/export")
    def export_conversation(conversation_id: str, request: Request) -> Response:
        texts = texts_for(request.headers.get("accept-language"))
        owner = owner_of_request(request)
        try:
            title = store.conversation(owner, conversation_id).title
            wanted = request.query_params.get("format", "")
            return _file(export(store.exchanges(owner, conversation_id), title, wanted, backend, texts))
        except DatelineError as error:
            return kept_error(error)

    return router


def exchange_json(exchange: Exchange, *, owned: bool) -> dict[str, Any]:
    """What came of a question, with its answer as `dateline ask --json` prints it; the conversation only if `owned`."""
    return {
        "exchange_id": exchange.exchange_id,
        **({"conversation_id": exchange.conversation_id} if owned else {}),
        "question": exchange.question,
        "model": exchange.model,
        "state": exchange.state,
        "note": exchange.note,
        "asked": exchange.asked,
        "answer": None if exchange.answer is None else exchange.answer.as_json(),
        "owned": owned,
    }


def kept_error(error: DatelineError) -> JSONResponse:
    """The error's sentence with its status: 404 where nothing is kept under the identifier, else as everywhere."""
    if isinstance(error, ConversationNotFoundError):
        return JSONResponse({"error": str(error)}, status_code=404)
    return error_response(error)


def _file(made: Export) -> Response:
    # A text of an article may hold half a character, which UTF-8 cannot say.
    content = made.content.encode("utf-8", "replace")
    headers = {**UNCACHED, "content-disposition": f'attachment; filename="{made.name}"'}
    return Response(content, media_type=f"{made.media_type}; charset=utf-8", headers=headers)
