"""DuckDB's extensions: files inside installed Python wheels. Nothing is downloaded at run time."""

import importlib.util
import re
from pathlib import Path

import duckdb

from features.errors import BadInput
from features.sql import literal

EXTRAS = {  # of pyproject.toml, by the extension that each installs
    "postgres_scanner": "postgres",
    "mysql_scanner": "mysql",
    "sqlite_scanner": "sqlite",
    "excel": "excel",
    "delta": "delta",
    "avro": "iceberg",
    "iceberg": "iceberg",
}
_MISSING_EXTENSION = re.compile(
    r"exists in the (\w+) extension|requires the extension (\w+)|reading the file \"[^\"]*\.(xlsx)"
)


def connect(path: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB, in memory or in a file, that never downloads an extension, and prints no progress
    bar: DuckDB would, onto standard output, for each query of more than two seconds."""
    connection = duckdb.connect(
        str(path or ":memory:"),
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"},
    )
    connection.execute("PRAGMA disable_progress_bar")
    return connection


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension out of its installed wheel. Raises BadInput, naming what to install."""
    if name == "iceberg":
        load_extension(connection, "avro")
    extra = EXTRAS.get(name)
    package = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
    what = f"-e '.[{extra}]'" if extra else package
    cure = f"pip install -c constraints.txt {what}"
    wheel = importlib.util.find_spec(f"duckdb_extension_{name}")
    if wheel is None or wheel.origin is None:
        raise BadInput(f"DuckDB's extension {name} is needed and not installed: {cure}")
    versions = Path(wheel.origin).parent / "extensions"
    path = versions / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not path.is_file():
        others = ", ".join(sorted(each.name for each in versions.glob("v*")))
        raise BadInput(
            f"DuckDB is {duckdb.__version__}, its extension {name} is for {others}: they must be "
            f"the same version. {cure}"
        )
    connection.execute(f"LOAD {literal(str(path))}")


def execute(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
    """Execute SQL; where it asks for an extension, as read_xlsx(...) does, load that first."""
    try:
        return connection.execute(sql)
    except duckdb.Error as error:
        needed = _MISSING_EXTENSION.search(str(error))
        if needed is None:
            raise
    load_extension(connection, "excel" if needed[3] else needed[1] or needed[2])
    return execute(connection, sql)
