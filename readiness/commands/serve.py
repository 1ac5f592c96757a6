"""The verb serve."""

import gc
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from features.errors import BadInput
from readiness.commands.options import Question, Where
from readiness.commands.printing import err

# Longer than clients keep an idle connection (5 s for httpx), so that none sends into one that is
# being closed, which it could not tell from a request that was lost.
IDLE_SECONDS = 75
CANNOT_BEGIN = 3  # the exit code, as uvicorn has it


def verb(
    where: Where = Path(),
    question: Question = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on. Others than this machine's need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on.")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            envvar="READINESS_TOKEN_FILE",
            help="A file with the token that clients and people must know.",
        ),
    ] = None,
    https: Annotated[
        bool,
        typer.Option(
            "--https", help="Browsers come by https, through a reverse proxy: cookies are Secure."
        ),
    ] = False,
) -> None:
    """Serve the list of leads as pages and as an API, until Ctrl-C.

    Reads the ledger of `readiness score`, and scores raw events with the champion, which is changed
    for a new one without a restart. Of several questions (docs/questions.md) the pages show main,
    or the one of --question; without that the API answers for all, by ?question=NAME.

    On an address that others can reach a token is required (docs/serve.md).
    """
    import uvicorn

    from features.config import load_all
    from readiness.settings import load, require_settings
    from serve.app.application import create_app
    from serve.app.serving import Serving

    require_port(host, port)
    config, others = load(where, question=question), []
    if question is None:
        others = [each for name, each in load_all(where).items() if name != config.question]
        for each in others:
            require_settings(each)
    serving = Serving(host, port, _token(token_file), https)
    app = create_app(config, serving, others)
    gc.collect()
    gc.freeze()  # what is there now stays: looking through it again holds up requests by 0.4 s

    class Server(uvicorn.Server):
        """Says where it listens once it does, so that whoever waits for the line can connect."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                where = f"http://{host}:{port} serves {config.folder}; Ctrl-C ends it."
                err.print(where, markup=False)

    settings = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=30,
    )
    server = Server(settings)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(CANNOT_BEGIN)


def require_port(host: str, port: int) -> None:
    """Raises BadInput where nothing can listen there, before the work of beginning."""
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.create_server(address[:2], family=family):
            pass
    except OSError as error:
        why = error.strerror or error
        raise BadInput(f"Nothing can listen on {host}, port {port}: {why}. See --port.") from None


def _token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--token-file {file} cannot be read: {error}") from None
    if os.name == "posix" and file.stat().st_mode & 0o077:
        raise BadInput(f"--token-file {file}: other accounts can read it. chmod 600 {file}")
    return text
