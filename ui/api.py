"""The HTTP interface: the library's state, questions and articles as JSON. Errors are `{"error": sentence}`."""

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from index.dates import first_day, format_published, last_day
from index.errors import ArticleNotFoundError, DatelineError, InputError, QuestionError
from index.types import SearchFilter
from rag.generators import EXTRACTIVE
from rag.types import MAX_QUESTION_CHARACTERS, Question, Turn
from ui.backend import Backend, check_model
from ui.conversation_store import ConversationNotFoundError
from ui.render import article_json, summary_json
from ui.settings import MAX_K

MAX_TURNS = 50
"""Most earlier turns that one question may bring along."""

POLL_SECONDS = 0.25
"""How often is looked whether somebody still waits for an answer; a model is stopped at most this long after."""

QUESTIONS_AT_ONCE = 8
"""Questions answered at the same time by language models, and as many without one; further ones are told to come back,
so that no request waits unseen."""

ARTICLES_LISTED = 100
MAX_ARTICLES_LISTED = 1_000
MAX_OFFSET = 1_000_000_000
"""How many articles one listing has if nothing is said, how many at most, and the highest number to begin at."""

_FIELDS = frozenset({"question", "history", "from", "to", "as_of", "source", "k", "model"})


def create_router(backend: Backend) -> APIRouter:
    """`GET /healthz`, `POST /api/ask`, `GET /api/articles` and `GET /api/articles/{id}` over a backend."""
    router = APIRouter()
    # Questions that wait for a language model keep nobody from an answer without one.
    places_of = {extractive: threading.BoundedSemaphore(QUESTIONS_AT_ONCE) for extractive in (False, True)}

    @router.get("/healthz")
    def healthz() -> Response:
        try:
            articles = len(backend.summaries())
            return JSONResponse({"status": "ok", "articles": articles, "generation": backend.generation()})
        except DatelineError as error:
            return JSONResponse({"status": "unavailable", "error": str(error)}, status_code=503)

    @router.post("/api/ask")
    async def ask(request: Request) -> Response:
        try:
            question, k, model = parse_question(await request.body(), backend.models)
        except InputError as error:
            return error_response(error)
        places = places_of[(model or backend.models[0]) == EXTRACTIVE]
        if not places.acquire(blocking=False):
            sentence = "Too many questions are being answered at the moment; ask again in a few seconds."
            return JSONResponse({"error": sentence}, status_code=503, headers={"retry-after": "2"})
        stop = threading.Event()
        try:
            answering = asyncio.ensure_future(run_in_threadpool(backend.ask, question, k=k, model=model, stop=stop))
            while not (await asyncio.wait({answering}, timeout=POLL_SECONDS))[0]:
                if await request.is_disconnected():
                    stop.set()
            answer = answering.result()
        except DatelineError as error:
            return error_response(error)
        finally:
            stop.set()
            places.release()
        return JSONResponse(answer.as_json())

    @router.get("/api/articles")
    def articles(request: Request) -> Response:
        try:
            offset = number_of(request, "offset", 0, 0, MAX_OFFSET)
            limit = number_of(request, "limit", ARTICLES_LISTED, 1, MAX_ARTICLES_LISTED)
            summaries = backend.summaries()
        except DatelineError as error:
            return error_response(error)
        listed = [with_date_text(summary_json(summary)) for summary in summaries[offset : offset + limit]]
        return JSONResponse({"total": len(summaries), "articles": listed})

    @router.get("/api/articles/{article_id}")
    def article(article_id: str) -> Response:
        try:
            found, passages = backend.article(article_id), len(backend.passages(article_id))
        except DatelineError as error:
            return error_response(error)
        return JSONResponse(with_date_text(article_json(found, passages)))

    return router


def with_date_text(article: dict[str, Any]) -> dict[str, Any]:
    """The document of an article with its date as people write it as well, `published_text` (`null` if not known)."""
    published = article["published"]
    return {**article, "published_text": published and format_published(published)}


def error_response(error: DatelineError) -> JSONResponse:
    """The error's sentence with its status: 413 too long, 404 nothing of that identifier, 400 wrong input, else 503."""
    if isinstance(error, QuestionTooLongError):
        status = 413
    elif isinstance(error, ArticleNotFoundError | ConversationNotFoundError):
        status = 404
    elif isinstance(error, InputError):
        status = 400
    else:
        status = 503
    return JSONResponse({"error": str(error)}, status_code=status)


class QuestionTooLongError(QuestionError):
    """The question has more than `MAX_QUESTION_CHARACTERS` characters."""


def parse_question(body: bytes, models: Sequence[str]) -> tuple[Question, int | None, str]:
    """The question of a request, its `k` (`None` if not given) and its model, one of `models` (the first if not given).

    Raises `InputError` naming the field at fault.
    """
    document = json_object(body, "question")
    unknown = sorted(set(document) - _FIELDS)
    if unknown:
        raise InputError(f"There is no field {unknown[0]!r}; the fields are {', '.join(sorted(_FIELDS))}.")
    text = document.get("question")
    if not isinstance(text, str) or not text.strip():
        raise QuestionError("The field 'question' must be a text that is not empty.")
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise QuestionTooLongError(
            f"The question has {len(text):,} characters; at most {MAX_QUESTION_CHARACTERS:,} are accepted."
        )
    question = Question(text=text, history=_history(document), filter=_filter(document))
    return question, _k(document), _model(document, models)


def json_object(body: bytes, field: str) -> dict[str, Any]:
    """The JSON object that a request sent. Raises `InputError`, which names a `field` that it should have."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The request is not JSON; send an object with a field {field!r}.") from error
    if not isinstance(document, dict):
        raise InputError(f"The request is not a JSON object; send an object with a field {field!r}.")
    check_characters(document)
    return document


def check_characters(document: Mapping[str, Any]) -> None:
    """JSON may escape half of a character (a lone surrogate), which no later step can store or send.

    Raises `InputError`.
    """
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("The request holds half of a character (a lone surrogate); send whole ones.") from error


def _history(document: Mapping[str, Any]) -> tuple[Turn, ...]:
    turns = document.get("history")
    if turns is None:
        return ()
    if not isinstance(turns, list) or len(turns) > MAX_TURNS:
        raise InputError(f"The field 'history' must be a list of at most {MAX_TURNS} turns.")
    for turn in turns:
        if not (isinstance(turn, dict) and all(isinstance(turn.get(part), str) for part in ("question", "answer"))):
            raise InputError("Every turn of 'history' must be an object with the texts 'question' and 'answer'.")
    return tuple(Turn(question=turn["question"], answer=turn["answer"]) for turn in turns)


def _filter(document: Mapping[str, Any]) -> SearchFilter:
    sources = document.get("source")
    if sources is None:
        sources = []
    elif isinstance(sources, str):
        sources = [sources]
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
        raise InputError("The field 'source' must be a text or a list of texts.")
    days = {}
    for name in ("from", "to", "as_of"):
        days[name] = document.get(name)
        if days[name] is not None and not isinstance(days[name], str):
            raise InputError(f"The field {name!r} must be a date such as '2017-06-03'.")
    return SearchFilter(
        date_from=None if days["from"] is None else first_day(days["from"]),
        date_to=None if days["to"] is None else last_day(days["to"]),
        sources=frozenset(sources),
        as_of=None if days["as_of"] is None else last_day(days["as_of"]),
    )


def _k(document: Mapping[str, Any]) -> int | None:
    k = document.get("k")
    if k is None:
        return None
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MAX_K:
        raise InputError(f"The field 'k' must be a whole number from 1 to {MAX_K}.")
    return k


def _model(document: Mapping[str, Any], models: Sequence[str]) -> str:
    model = document.get("model")
    if model is not None and not isinstance(model, str):
        raise InputError("The field 'model' must be the name of a model.")
    return check_model(model, models)


def number_of(request: Request, name: str, default: int, least: int, most: int) -> int:
    """The whole number that a parameter of the address is. Raises `InputError` outside the bounds (both inclusive)."""
    given = request.query_params.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdecimal() and len(given) <= 10 and least <= int(given) <= most):
        raise InputError(f"The parameter {name!r} must be a whole number from {least} to {most:,}.")
    return int(given)
