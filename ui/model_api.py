"""The models that may be asked, and whether they can be used now, over HTTP."""

import threading
import time

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from ui.backend import Backend

LOOK_AGAIN_SECONDS = 30.0
"""How long what was found out about a model counts: a server that was started is seen soon, and none is asked often."""


def create_model_router(backend: Backend) -> APIRouter:
    """`GET /api/models`: `{"models": [{"name", "ready"}]}`, the default one first.

    Each model is looked for at most every `LOOK_AGAIN_SECONDS`. Why one cannot be used is for the operator
    (`dateline doctor`): the reason may name hosts and files.
    """
    router = APIRouter()
    known: dict[str, tuple[float, bool]] = {}
    looking = threading.Lock()

    def ready(name: str) -> bool:
        with looking:
            if name not in known or time.monotonic() - known[name][0] > LOOK_AGAIN_SECONDS:
                found = backend.ready(name)
                known[name] = time.monotonic(), found
            return known[name][1]

    @router.get("/api/models")
    def models() -> Response:
        return JSONResponse({"models": [{"name": name, "ready": ready(name)} for name in backend.models]})

    return router
