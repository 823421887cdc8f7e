"""A browser's conversations over HTTP: the list, their names, deleting them. They are read through the page itself."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from index.errors import DatelineError, InputError
from ui.api import error_response, json_object
from ui.conversation_store import ConversationStore
from ui.visitors import owner_of_request


def create_conversation_router(store: ConversationStore) -> APIRouter:
    """`GET /api/conversations`, `PATCH` (`{"title": ...}`) and `DELETE /api/conversations/{id}` over a store."""
    router = APIRouter()

    @router.get("/api/conversations")
    def conversations(request: Request) -> Response:
        owner = owner_of_request(request)
        found = store.conversations(owner) if owner else []
        return JSONResponse({"conversations": [summary.as_json() for summary in found]})

    @router.patch("/api/conversations/{conversation_id}")
    async def rename(conversation_id: str, request: Request) -> Response:
        try:
            title = json_object(await request.body(), "title").get("title")
            if not isinstance(title, str):
                raise InputError("The field 'title' must be a text.")
            store.rename(owner_of_request(request), conversation_id, title)
            return JSONResponse(store.conversation(owner_of_request(request), conversation_id).as_json())
        except DatelineError as error:
            return error_response(error)

    @router.delete("/api/conversations/{conversation_id}")
    def delete(conversation_id: str, request: Request) -> Response:
        try:
            store.delete(owner_of_request(request), conversation_id)
        except DatelineError as error:
            return error_response(error)
        return JSONResponse({"deleted": conversation_id})

    return router
