"""The HTTP interface of the library view: the table, what is in it, adding and removing. Errors as in `ui.api`."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from index.errors import DatelineError, InputError, UnsupportedFormatError
from index.files import READABLE_SUFFIXES
from ui.api import MAX_OFFSET, check_characters, error_response, number_of
from ui.backend import Backend
from ui.guard import LARGER_BODIES
from ui.library_jobs import Job, LibraryJobs
from ui.library_listing import COLUMNS, Listings
from ui.uploads import Kept, Uploads, safe_name

ROWS_LISTED = 50
MAX_ROWS_LISTED = 200
"""Rows of one page of the table if nothing is said, and at most."""

MAX_SEARCH_CHARACTERS = 200
MAX_NAME_CHARACTERS = 1_000
MAX_ADDRESS_CHARACTERS = 2_000
MAX_JOBS_ASKED = 100
"""What one request may bring; names of files have at most 255 bytes on any system."""

WRITTEN_AT_ONCE = 2**20
"""Bytes of an upload that are gathered before they are written."""

READ_ONLY = "This library is open to read only; start the page without --read-only to change it."

_TEXT_FIELDS = ("text", "title", "source", "published", "url")


def create_library_router(backend: Backend, library_path: Path, *, read_only: bool = False) -> APIRouter:
    """Everything below `/api/library`. With `read_only`, adding and removing are answered with 403."""
    router = APIRouter()
    uploads = Uploads(library_path)
    jobs = LibraryJobs(backend.writing, uploads)
    listings = Listings(backend, library_path)

    def changes(change: Callable[..., Job]) -> Callable[..., Response]:
        """The reply to a change: 202 and its job, or the sentence that says why it cannot be."""

        @wraps(change)
        def reply(*arguments: Any, **options: Any) -> Response:
            if read_only:
                return JSONResponse({"error": READ_ONLY}, status_code=403)
            try:
                return _accepted(change(*arguments, **options))
            except DatelineError as error:
                return _refused(error)

        return reply

    @router.get("/api/library/articles")
    def articles(request: Request) -> Response:
        asked = request.query_params
        try:
            column, order = asked.get("sort", "added"), asked.get("order", "ascending")
            if column not in COLUMNS or order not in ("ascending", "descending"):
                raise InputError(f"Sort by one of {', '.join(COLUMNS)}, in the order ascending or descending.")
            query = asked.get("q", "")[:MAX_SEARCH_CHARACTERS]
            offset = number_of(request, "offset", 0, 0, MAX_OFFSET)
            limit = number_of(request, "limit", ROWS_LISTED, 1, MAX_ROWS_LISTED)
            return JSONResponse(listings.newest().page(query, column, order == "descending", offset, limit))
        except DatelineError as error:
            return error_response(error)

    @router.get("/api/library/overview")
    def overview() -> Response:
        try:
            found = listings.newest().overview
        except DatelineError as error:
            return error_response(error)
        limits = {"suffixes": sorted(READABLE_SUFFIXES), "max_bytes": LARGER_BODIES["/api/library/files"]}
        return JSONResponse({**found, "read_only": read_only, "uploads": limits})

    @router.get("/api/library/jobs")
    def jobs_asked(request: Request) -> Response:
        ids = [job_id for job_id in request.query_params.get("ids", "").split(",") if job_id]
        if len(ids) > MAX_JOBS_ASKED:
            return error_response(InputError(f"Ask for at most {MAX_JOBS_ASKED} jobs at a time."))
        return JSONResponse({"jobs": jobs.documents(ids)})

    @router.post("/api/library/files")
    async def add_file(request: Request) -> Response:
        if read_only:
            return JSONResponse({"error": READ_ONLY}, status_code=403)
        name = request.query_params.get("name", "")[-MAX_NAME_CHARACTERS:]
        try:
            shown = safe_name(name)
            kept = await _received(request, uploads, name)
            return _accepted(jobs.add(shown, str(kept.path), kept))
        except DatelineError as error:
            return _refused(error)
        except ClientDisconnect:
            return JSONResponse({"error": "The file did not arrive whole; send it again."}, status_code=400)

    @router.post("/api/library/text")
    async def add_text(request: Request) -> Response:
        return await run_in_threadpool(keep_text, await request.body())

    @changes
    def keep_text(body: bytes) -> Job:
        fields = _text_fields(body, _TEXT_FIELDS)
        kept = uploads.keep_text(**{name: fields.get(name, "") for name in _TEXT_FIELDS})
        return jobs.add(fields.get("title", "").strip() or kept.path.name, str(kept.path), kept)

    @router.post("/api/library/address")
    async def add_address(request: Request) -> Response:
        return await run_in_threadpool(take_address, await request.body())

    @changes
    def take_address(body: bytes) -> Job:
        address = _text_fields(body, ("address",)).get("address", "").strip()
        scheme = address.partition("://")[0].lower()
        if scheme not in {"http", "https"} or "://" not in address:
            raise InputError("Only http and https addresses are read; begin the address with https://")
        if len(address) > MAX_ADDRESS_CHARACTERS or not address.isprintable() or " " in address:
            raise InputError("The address is too long or holds characters that no address has; check it.")
        return jobs.add(address, address)

    @router.delete("/api/library/articles/{article_id}", response_model=None)
    @changes
    def remove(article_id: str) -> Job:
        backend.article(article_id)
        return jobs.remove(article_id)

    return router


def _accepted(job: Job) -> Response:
    return JSONResponse(job.as_json(), status_code=202)


def _refused(error: DatelineError) -> Response:
    """As `error_response`, and 415 for a kind of file that is not read."""
    if isinstance(error, UnsupportedFormatError):
        return JSONResponse({"error": str(error)}, status_code=415)
    return error_response(error)


async def _received(request: Request, uploads: Uploads, name: str) -> Kept:
    """The body of a request as a kept file. What came is removed again if it does not come whole."""
    incoming = await run_in_threadpool(uploads.incoming)
    try:
        waiting = bytearray()
        async for piece in request.stream():
            waiting += piece
            if len(waiting) >= WRITTEN_AT_ONCE:
                await run_in_threadpool(uploads.append, incoming, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(uploads.append, incoming, bytes(waiting))
        return await run_in_threadpool(uploads.keep, incoming, name)
    except BaseException:
        uploads.discard(incoming)
        raise


def _text_fields(body: bytes, names: tuple[str, ...]) -> dict[str, str]:
    """The texts of a JSON object that may have these fields only. Raises `InputError`."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("The request is not JSON.") from error
    if not isinstance(document, dict):
        raise InputError("The request is not a JSON object.")
    for name, value in document.items():
        if name not in names:
            raise InputError(f"There is no field {name!r}; the fields are {', '.join(names)}.")
        if value is not None and not isinstance(value, str):
            raise InputError(f"The field {name!r} must be a text.")
    check_characters(document)
    return {name: value for name, value in document.items() if value is not None}
