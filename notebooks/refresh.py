"""Run the notebooks and store what they print and draw: `make notebooks`.

python notebooks/refresh.py            all of them, each in a kernel of its own
python notebooks/refresh.py 05 07      those whose names begin so
"""

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
SECONDS = 600  # per cell; a busy machine is slow at times


def notebooks() -> list[Path]:
    """All of them, in order."""
    return sorted(FOLDER.glob("*.ipynb"))


def absent(path: Path) -> str:
    """The data, relative to the clone, that the notebook's metadata say it needs and that are not
    here; "" where nothing is missing."""
    needed: str = nbformat.read(str(path), as_version=4).metadata.get("needs", "")
    return "" if (ROOT / needed).exists() else needed


def execute(path: Path, folder: Path) -> NotebookNode:
    """The notebook with the outputs of a run from top to bottom, in an empty folder.

    Raises CellExecutionError for a cell that fails, but where its tag `raises-exception` says so.
    """
    book = nbformat.read(str(path), as_version=4)
    client = NotebookClient(
        book,
        timeout=SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    paths = {
        "PATH": [str(Path(sys.executable).parent), os.environ.get("PATH")],
        "PYTHONPATH": [str(ROOT), os.environ.get("PYTHONPATH")],
    }
    joined = {name: os.pathsep.join(filter(None, each)) for name, each in paths.items()}
    fixed = {
        "OMP_NUM_THREADS": "1",  # so sums have one order
        "PYTHONWARNINGS": "ignore:IProgress not found",  # tqdm misses widgets that nobody needs
    }
    with TemporaryDirectory() as own:
        client.execute(env=os.environ | joined | fixed | {"IPYTHONDIR": own})
    book.metadata = nbformat.read(str(path), as_version=4).metadata  # no version of Python
    return book


def main(names: list[str]) -> None:
    """Execute those whose names begin with one of these, or all, and write them back."""
    for path in notebooks():
        if names and not path.name.startswith(tuple(names)):
            continue
        if needed := absent(path):
            print(f"{path.name}: skipped, it needs {needed} (examples/bpic2012/README.md)")
            continue
        start = time.monotonic()
        with TemporaryDirectory() as folder:
            book = execute(path, Path(folder))
        nbformat.write(book, str(path))
        print(f"{path.name}: {time.monotonic() - start:.0f} seconds", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
