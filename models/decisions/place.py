"""Where the ledger and the decisions rest: in files of `out`, or in a PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL

from features.config import Config
from features.contract.databases import CONNECT_SECONDS, Place, read_place
from features.errors import BadInput
from features.questions import MAIN

KEY = "ledger.url"
LONGEST_SCHEMA = 63  # bytes of a name; PostgreSQL cuts the rest off


@dataclass(frozen=True)
class LedgerPlace:
    """folder: `out`, for what is in files. server: the PostgreSQL that `ledger.url` names, None
    where all is in files."""

    folder: Path
    server: Place | None = None

    @classmethod
    def of(cls, config: Config) -> LedgerPlace:
        """As readiness.toml has it. Raises BadInput for a URL of another kind of database."""
        settings = config.ledger
        if settings.url is None:
            return cls(config.out_folder)
        server = read_place(settings.url, config.folder, KEY)
        if server.kind != "postgres":
            raise BadInput(
                f"{KEY}: a ledger rests in files or in PostgreSQL, not in {server.kind}."
            )
        if find_spec("psycopg") is None:
            raise BadInput(
                f"{KEY}: psycopg is needed and not installed: "
                "pip install -c constraints.txt -e '.[postgres]'"
            )
        if config.question != MAIN:  # a schema beside that of the file
            schema = f"{cls(config.out_folder, server).schema}_{config.question}"
            if len(schema.encode()) > LONGEST_SCHEMA:
                raise BadInput(
                    f"{KEY}: the schema {schema} of the question {config.question} is longer than "
                    f"the {LONGEST_SCHEMA} letters of PostgreSQL. Give it a shorter name."
                )
            server = replace(server, schema=schema, is_one_schema=True)
        return cls(config.out_folder, server)

    @property
    def schema(self) -> str:
        """Of the server's tables."""
        return self.server.schema if self.server and self.server.is_one_schema else "readiness"

    @property
    def decisions_file(self) -> Path:
        """The SQLite file of the decisions, where they are not on a server."""
        return self.folder / "decisions.sqlite"

    @property
    def decisions(self) -> str:
        """How messages name where the decisions are."""
        return str(self) if self.server else str(self.decisions_file)

    @property
    def has_decisions(self) -> bool:
        """Whether anything may have been decided: a reader makes no file."""
        return self.server is not None or self.decisions_file.is_file()

    def __str__(self) -> str:
        """How messages name it, without a password."""
        return self.server.shown if self.server else str(self.folder)

    @property
    def url(self) -> URL:
        """Of SQLAlchemy; it shows no password when printed."""
        if self.server is None:
            return URL.create("sqlite", database=str(self.decisions_file))
        login = self.server.login
        options = {"connect_timeout": str(CONNECT_SECONDS), "application_name": "readiness"}
        return URL.create(
            "postgresql+psycopg",
            username=login.get("USER"),
            password=login.get("PASSWORD"),
            host=login.get("HOST"),
            port=int(login["PORT"]) if "PORT" in login else None,
            database=login.get("DATABASE"),
            query=options | dict(self.server.options),
        )
