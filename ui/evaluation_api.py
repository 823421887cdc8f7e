"""The HTTP interface of evaluations: sets, runs, their figures and questions. Errors are `{"error": sentence}`.

Whoever asks sees their own sets and runs only.
"""

import atexit
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from index.errors import DatelineError, InputError
from ui.api import MAX_OFFSET, error_response
from ui.backend import Backend
from ui.evaluation_record import Run
from ui.evaluation_request import parse_run, whole_number
from ui.evaluation_results import MAX_QUESTIONS_LISTED, QUESTIONS_LISTED, Results
from ui.evaluation_runs import Runs
from ui.evaluation_sets import MAX_SET_BYTES, FeedbackLines, QuestionSets
from ui.settings import DEFAULT_K, DEFAULT_SEED, MAX_K

UPLOAD_PATH = "/api/evaluations/sets"
"""The one path to which a file may be sent."""

_FRAMED = """
html { background: transparent; }
body { max-width: none; padding: 0.2rem 0 0; background: transparent; }
header { display: none; }
section:first-child { margin-top: 0; }
"""
"""How the report looks inside the page, which says above it what it is of."""

_LOG = logging.getLogger("dateline")


def create_evaluation_router(
    backend: Backend,
    library_path: Path,
    state: Path | None,
    *,
    k: int = DEFAULT_K,
    arguments: Sequence[str] = (),
    feedback_lines: FeedbackLines = lambda owner: [],
    owner_of: Callable[[Request], str] = lambda request: "",
    runs: Runs | None = None,
) -> APIRouter:
    """The addresses under `/api/evaluations`; what is running ends with the application.

    Args:
        backend: The library and the models that the page asks.
        library_path: The library's folder, which a run opens for itself.
        state: Where sets and runs are kept; without one they last as long as the application.
        k: Passages that an answer is made from if a run names no number.
        arguments: Options of `dateline eval run` that every run gets, such as the re-ranker of this server.
        feedback_lines: The owner of answers → their feedback as lines of a question set.
        owner_of: Whose request it is.
        runs: In the place of those in `state`.
    """
    folder = state if state is not None else _temporary_folder()
    runs = runs or Runs(folder / "evaluations", library_path, arguments)
    sets = QuestionSets(folder / "question-sets", backend, feedback_lines)
    results = Results(backend)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(runs.close)
        if state is None:
            await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)

    router = APIRouter(lifespan=lifespan)

    async def answered(work: Callable[[], Any]) -> Response:
        """What `work`, done in a thread, returns, as JSON unless it is a response; its error as a sentence."""
        try:
            done = await run_in_threadpool(work)
        except DatelineError as error:
            return error_response(error)
        except OSError as error:
            _LOG.exception("An evaluation's files could not be used.")
            return JSONResponse({"error": f"A file cannot be read or written: {error.strerror}."}, status_code=503)
        return done if isinstance(done, Response) else JSONResponse(done)

    def set_json(info: Any) -> dict[str, Any]:
        missing = sets.missing(info)
        return {**info.as_json(), "articles": len(info.articles), "missing": len(missing)}

    @router.get("/api/evaluations")
    async def listing(request: Request) -> Response:
        owner = owner_of(request)
        return await answered(
            lambda: {
                "sets": [set_json(info) for info in sets.listed(owner)],
                "runs": runs.listed(owner),
                "models": list(backend.models),
                "k": k,
                "max_k": MAX_K,
            }
        )

    @router.get("/api/evaluations/runs")
    async def list_runs(request: Request) -> Response:
        owner = owner_of(request)
        return await answered(lambda: {"runs": runs.listed(owner)})

    @router.post("/api/evaluations")
    async def start(request: Request) -> Response:
        owner, body = owner_of(request), await request.body()

        def begin() -> dict[str, Any]:
            draft = parse_run(body, backend.models, k)
            info = sets.find(draft.set_id, owner)
            own_articles = draft.own_articles and info.brings_articles
            if not own_articles:
                sets.check_held(info)
            limit = None if draft.limit is None or draft.limit >= info.questions else draft.limit
            run = Run(
                **{
                    **{name: getattr(draft, name) for name in Run.__dataclass_fields__},
                    "owner": owner,
                    "set_name": info.name,
                    "set_kind": info.kind,
                    "total": limit or info.questions,
                    "limit": limit,
                    "own_articles": own_articles,
                }
            )
            return runs.start(run, lambda folder: sets.copy_into(folder, draft.set_id, owner))

        return await answered(begin)

    @router.post(UPLOAD_PATH)
    async def add_set(request: Request) -> Response:
        owner, content = owner_of(request), await request.body()
        name = request.query_params.get("name", "")
        if len(content) > MAX_SET_BYTES:
            sentence = f"A question set may have at most {MAX_SET_BYTES // 2**20} MB."
            return JSONResponse({"error": sentence}, status_code=413)
        return await answered(lambda: set_json(sets.add(owner, name, content)))

    @router.delete("/api/evaluations/sets/{set_id}")
    async def delete_set(request: Request, set_id: str) -> Response:
        owner = owner_of(request)

        def gone() -> dict[str, str]:
            sets.delete(set_id, owner)
            return {"deleted": set_id}

        return await answered(gone)

    @router.get("/api/evaluations/compare")
    async def compare(request: Request) -> Response:
        owner = owner_of(request)
        chosen = [request.query_params.get(name, "") for name in ("a", "b")]

        def compared() -> dict[str, Any]:
            from eval.compare import compare_results
            from eval.manifest import read_manifest
            from eval.results import read_results

            a, b = (runs.finished(run_id, owner) for run_id in chosen)
            comparison = compare_results(
                read_results(a), read_results(b), manifests=(read_manifest(a), read_manifest(b)), seed=DEFAULT_SEED
            )
            described = {name: runs.shown(run_id, owner) for name, run_id in zip("ab", chosen, strict=True)}
            return {**comparison.as_json(), "runs": described}

        return await answered(compared)

    @router.get("/api/evaluations/{run_id}")
    async def one_run(request: Request, run_id: str) -> Response:
        owner = owner_of(request)
        return await answered(lambda: runs.shown(run_id, owner))

    @router.post("/api/evaluations/{run_id}/cancel")
    async def cancel(request: Request, run_id: str) -> Response:
        owner = owner_of(request)
        return await answered(lambda: runs.cancel(run_id, owner))

    @router.post("/api/evaluations/{run_id}/resume")
    async def resume(request: Request, run_id: str) -> Response:
        owner = owner_of(request)
        return await answered(lambda: runs.resume(run_id, owner))

    @router.delete("/api/evaluations/{run_id}")
    async def delete(request: Request, run_id: str) -> Response:
        owner = owner_of(request)

        def gone() -> dict[str, str]:
            runs.delete(run_id, owner)
            return {"deleted": run_id}

        return await answered(gone)

    @router.get("/api/evaluations/{run_id}/report")
    async def report(request: Request, run_id: str) -> Response:
        owner = owner_of(request)

        def framed() -> Response:
            page = (runs.finished(run_id, owner) / "report.html").read_text(encoding="utf-8")
            page = page.replace("</style>", f"{_FRAMED}</style>", 1)  # the first is the report's own, before its text
            return Response(page, media_type="text/html", headers={"cache-control": "no-store"})

        return await answered(framed)

    @router.get("/api/evaluations/{run_id}/files/{name}")
    async def download(request: Request, run_id: str, name: str) -> Response:
        owner = owner_of(request)

        def file() -> Response:
            found, folder = runs.find(run_id, owner), runs.finished(run_id, owner)
            stem = f"{found.set_name.rsplit('.', 1)[0]}-{found.created[:10]}"
            named = {"content-disposition": f"attachment; filename*=UTF-8''{quote(f'{stem}-{name}', safe='')}"}
            if name == "results.csv":
                return Response(_csv_of(folder), media_type="text/csv; charset=utf-8", headers=named)
            if name not in _DOWNLOADS:
                raise InputError(f"There is no such file; there are {', '.join(_DOWNLOADS)} and results.csv.")
            return FileResponse(folder / name, media_type=_DOWNLOADS[name], headers=named)

        return await answered(file)

    @router.get("/api/evaluations/{run_id}/questions")
    async def questions(request: Request, run_id: str) -> Response:
        owner, given = owner_of(request), request.query_params
        return await answered(
            lambda: results.page(
                runs.finished(run_id, owner),
                offset=whole_number(given.get("offset", "0"), "offset", 0, MAX_OFFSET),
                limit=whole_number(given.get("limit", str(QUESTIONS_LISTED)), "limit", 1, MAX_QUESTIONS_LISTED),
                outcomes=[name for name in given.get("outcome", "").split(",") if name],
                kind=given.get("type", ""),
                words=given.get("words", ""),
            )
        )

    @router.get("/api/evaluations/{run_id}/questions/{number}")
    async def question(request: Request, run_id: str, number: str) -> Response:
        owner = owner_of(request)
        return await answered(
            lambda: results.question(runs.finished(run_id, owner), whole_number(number, "number", 0, MAX_OFFSET))
        )

    return router


_DOWNLOADS = {
    "report.html": "text/html; charset=utf-8",
    "report.json": "application/json",
    "results.jsonl": "application/x-ndjson",
}


def _csv_of(folder: Path) -> bytes:
    """The results as a table for a spreadsheet, in which no cell is a formula."""
    from eval.exports import export
    from eval.results import read_results

    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "results.csv"
        export(read_results(folder), format="csv", out=path)
        return path.read_bytes()


def _temporary_folder() -> Path:
    """A new folder that is gone when the process ends, at the latest: an application may never be served."""
    folder = Path(tempfile.mkdtemp(prefix="dateline-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
