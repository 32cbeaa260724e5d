"""The page as a web server: Gradio's app, the gate around it, and uvicorn."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import fastapi
import gradio as gr
import uvicorn
from starlette.middleware import Middleware
from starlette.routing import Mount

from autolearn.access.gate import Gate
from autolearn.access.policy import PagePolicy
from autolearn.api import http
from autolearn.ui import page

MAX_FILE_SIZE = "1gb"
ASSETS = Path(__file__).parents[2] / "assets"
SHUTDOWN_SECONDS = 3
"""How long requests may take after Ctrl-C."""


def gradio_app(folder: Path) -> fastapi.FastAPI:
    """Return the app of a workspace: the page, as Gradio makes it, and the HTTP API."""
    blocks = page.build(folder)
    # Or a mounted Gradio (6.31) reads any path that a request gives as an upload.
    blocks.has_launched = True
    whole = fastapi.FastAPI(openapi_url=None)
    whole.mount(http.PREFIX, http.app(folder))
    app: fastapi.FastAPI = gr.mount_gradio_app(
        whole,
        blocks,
        "/",
        app_kwargs={"middleware": [Middleware(PagePolicy)]},
        root_path=os.environ.get("GRADIO_ROOT_PATH"),
        show_error=False,
        pwa=True,
        run_history=False,
        enable_monitoring=False,
        footer_links=[],
        ssr_mode=False,
        max_file_size=MAX_FILE_SIZE,
        favicon_path=ASSETS / "icon.png",
        theme=page.theme(),
        css_paths=sorted((ASSETS / "css").glob("*.css")),
        js=(ASSETS / "autolearn.js").read_text(encoding="utf-8"),
    )
    return app


def mounted_page(app: fastapi.FastAPI) -> gr.routes.App:
    """Return the part of the app that is Gradio's."""
    mounts = (route.app for route in app.routes if isinstance(route, Mount))
    (page_app,) = (mount for mount in mounts if isinstance(mount, gr.routes.App))
    return page_app


class _Server(uvicorn.Server):
    """Says when it is ready, and ends the open streams of Gradio at the end."""

    def __init__(
        self, config: uvicorn.Config, streams: gr.routes.App, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._streams, self._ready = streams, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End with the streams, for which a browser would keep its connection."""
        self._streams.stop_event.set()
        super().handle_exit(sig, frame)


def serve(
    gate: Gate,
    app: fastapi.FastAPI,
    listener: socket.socket,
    ready: Callable[[], None],
) -> None:
    """Serve an app behind its gate until Ctrl-C; call ``ready`` once it answers."""
    config = uvicorn.Config(
        gate,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    with suppress(KeyboardInterrupt):
        _Server(config, mounted_page(app), ready).run(sockets=[listener])
