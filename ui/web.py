"""The server: the page and the HTTP interface in one application behind the guard."""

import os
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from index.errors import InputError
from ui.answer_api import create_answer_router
from ui.api import create_router
from ui.auth import Passwords
from ui.backend import Backend
from ui.conversation_api import create_conversation_router
from ui.conversation_store import ConversationStore
from ui.evaluation_api import create_evaluation_router
from ui.feedback_api import create_feedback_router
from ui.feedback_lines import feedback_lines
from ui.front_files import front_file, front_names, front_version, page_head
from ui.gradio_door import GradioDoor, report_in_one_line
from ui.guard import Guard
from ui.hosts import LOOPBACK_HOSTS, hosts_for, is_loopback
from ui.http_protocol import PatientProtocol
from ui.library_api import create_library_router
from ui.model_api import create_model_router
from ui.page_html import PageHtml
from ui.security_headers import KEPT_FOR_EVER
from ui.settings import DEFAULT_K, DEFAULT_MODEL
from ui.texts import translations
from ui.visitors import owner_of_request

SECONDS_TO_FINISH = 1
"""Seconds that open requests get when the server stops: every open page holds one that never ends by itself."""

CONNECTIONS = 800
"""Connections that are served at the same time; further ones are told to come back. Every open page holds one or two,
and many systems allow a process 1,024 open files."""

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#1d3f66"/>'
    '<path d="M8 9h16M8 23h10" stroke="#fff" stroke-width="2.5"/><path d="M8 16h16" stroke="#ffd95e" stroke-width="4"/>'
    "</svg>"
)


def create_app(
    library_path: Path,
    *,
    model: str = DEFAULT_MODEL,
    k: int = DEFAULT_K,
    reranker: str | None = None,
    reader: str | None = None,
    checker: str | None = None,
    auth_file: Path | None = None,
    allowed_hosts: Sequence[str] = LOOPBACK_HOSTS,
    backend: Backend | None = None,
    offered: Sequence[str] = (),
    state: Path | None = None,
    read_only: bool = False,
) -> FastAPI:
    """The application over the library in a folder, which need not exist yet.

    Args:
        library_path: The folder; new articles are seen at the next question.
        model: Who writes the answers, as `dateline ask --model` names it.
        k: Passages that an answer is made from.
        reranker: Name or folder of the cross-encoder that puts passages in order, if any.
        reader: Model that reads question and passages together (`rag.reader.load_reader`).
        checker: Name or folder of the inference model that checks a language model's statements, if any.
        auth_file: A file of names and passwords (`ui.auth`); without one, anybody who reaches the server is let in.
        allowed_hosts: Names, without a port, under which the server is reached; none lets any name through.
        backend: Answers in the place of the library and the model.
        offered: Further models that a question may ask for.
        state: Folder for conversations, feedback and evaluations; without one they last as long as the application.
        read_only: Lets nobody add or remove articles.

    Raises:
        ModelError: The model, the re-ranker, the reader or the checker cannot be used.
        InputError: The password file, a prompt or the folder `state` cannot be used.
    """
    passwords = None if auth_file is None else Passwords.open(auth_file)
    if backend is None:
        from ui.shared_library import SharedLibrary

        backend = SharedLibrary.open(
            library_path, model=model, k=k, reranker=reranker, reader=reader, checker=checker, offered=offered
        )
    store = ConversationStore.open(state)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when the first page is built; it would call home
    from gradio import I18n, mount_gradio_app

    from ui.page import build_page
    from ui.theme import page_theme

    app = FastAPI(title="Dateline", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(create_router(backend))
    app.include_router(create_conversation_router(store))
    app.include_router(create_model_router(backend))
    app.include_router(create_answer_router(store, backend))
    app.include_router(create_feedback_router(store, backend))
    app.include_router(create_library_router(backend, library_path, read_only=read_only))
    models = {"--reranker": reranker, "--reader": reader, "--checker": checker}
    measured_with = [word for option, name in models.items() if name for word in (option, name)]
    app.include_router(
        create_evaluation_router(
            backend,
            library_path,
            state,
            k=k,
            arguments=measured_with,
            feedback_lines=lambda owner: feedback_lines(store, owner, backend),
            owner_of=owner_of_request,
        )
    )

    @app.get("/page/{version}/{name}")
    async def page_file(version: str, name: str) -> Response:
        if version != front_version() or name not in front_names():
            return JSONResponse({"error": "There is nothing at this address; reload the page."}, status_code=404)
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return Response(front_file(name), media_type=kind, headers={"cache-control": KEPT_FOR_EVER})

    @app.get("/favicon.ico")
    async def icon() -> Response:
        return Response(_ICON, media_type="image/svg+xml")

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": "Something went wrong; the server's log says what."}, status_code=500)

    @app.get("/robots.txt")
    async def robots() -> Response:
        return Response("User-agent: *\nDisallow: /\n", media_type="text/plain")

    page = build_page(backend, library_path, store)
    report_in_one_line(page)
    app.add_middleware(PageHtml)
    app.add_middleware(GradioDoor, page=page)
    app.add_middleware(Guard, allowed_hosts=allowed_hosts, passwords=passwords)
    return mount_gradio_app(  # type: ignore[no-any-return]
        app,
        page,
        path="/",
        theme=page_theme(),
        head=page_head(),
        i18n=I18n(**translations()),
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        mcp_server=False,
        ssr_mode=False,
        pwa=False,
        max_file_size=0,
    )


def server_config(app: FastAPI) -> uvicorn.Config:
    """How uvicorn serves the application.

    What a request says of where it came from (`X-Forwarded-For`) is not believed, not even of a proxy on this machine:
    whoever guesses passwords would write another address into each request.
    """
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        log_level="warning",
        log_config=None,  # as everything else is logged, with no control characters for the terminal
        access_log=False,
        limit_concurrency=CONNECTIONS,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )


def serve(app: FastAPI, host: str, port: int, *, on_ready: Callable[[str], None]) -> None:
    """Serves until interrupted. `on_ready` is given the address once it is open; port 0 takes a free one.

    Raises `InputError` if the address cannot be used.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(
            f"{host}:{port} cannot be served at ({error.strerror or error}); choose another --port or --host."
        ) from error
    shown = f"[{host}]" if ":" in host else host
    config = server_config(app)
    with listener:
        on_ready(f"http://{shown}:{listener.getsockname()[1]}/")
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            return  # uvicorn raises it again after it has shut down in order


def run_server(
    library_path: Path,
    *,
    host: str,
    port: int,
    further_hosts: Sequence[str] = (),
    auth_file: Path | None,
    model: str,
    k: int,
    reranker: str | None = None,
    reader: str | None = None,
    checker: str | None = None,
    offered: Sequence[str] = (),
    state: Path | None = None,
    read_only: bool = False,
) -> None:
    """The command `dateline serve`; `further_hosts` as for `hosts_for`. Raises as `create_app` and `serve`."""
    from ui.shared_library import SharedLibrary

    allowed_hosts = hosts_for(host, further_hosts)
    library = SharedLibrary.open(
        library_path, model=model, k=k, reranker=reranker, reader=reader, checker=checker, offered=offered
    )
    app = create_app(
        library_path,
        k=k,
        reranker=reranker,
        reader=reader,
        checker=checker,
        auth_file=auth_file,
        allowed_hosts=allowed_hosts,
        backend=library,
        state=state,
        read_only=read_only,
    )

    def on_ready(address: str) -> None:
        if not is_loopback(host) and auth_file is None:
            click.echo(
                "Anyone who can reach this machine can read the library; --auth-file asks for a password.", err=True
            )
        threading.Thread(target=library.warm_up, name="dateline-warm-up", daemon=True).start()
        click.echo(f"Dateline is at {address} (stop with Ctrl-C).", err=True)

    try:
        serve(app, host, port, on_ready=on_ready)
    finally:
        library.stop()
