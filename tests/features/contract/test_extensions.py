"""A DuckDB prints nothing among what a command prints, however long a query takes."""

import subprocess
import sys

import pytest

LONG = """
from features.contract.extensions import connect
query = "SELECT count(*) FROM range(400000000) a WHERE a.range % 7 = 3"
with connect() as connection:
    connection.execute("SET threads = 1;")
    print(connection.execute(query).fetchall())
"""


@pytest.mark.slow
def test_a_long_query_prints_no_progress() -> None:
    done = subprocess.run([sys.executable, "-c", LONG], capture_output=True, check=True, text=True)
    assert done.stdout == "[(57142857,)]\n"
