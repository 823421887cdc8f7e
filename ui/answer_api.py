"""The HTTP interface to what was answered: one answer by its identifier."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from index.errors import DatelineError
from ui.api import error_response
from ui.conversation_store import ConversationNotFoundError, ConversationStore
from ui.exchanges import Exchange
from ui.visitors import owner_of_request


def create_answer_router(store: ConversationStore) -> APIRouter:
    """`GET /api/answers/{exchange_id}` over what the page has kept. Whoever has the identifier may read the answer."""
    router = APIRouter()

    @router.get("/api/answers/{exchange_id}")
    def answer(exchange_id: str, request: Request) -> Response:
        try:
            exchange = store.exchange(exchange_id)
        except DatelineError as error:
            return kept_error(error)
        return JSONResponse(exchange_json(exchange, owned=store.owns(owner_of_request(request), exchange_id)))

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
