"""Processes that begin at once: forked from one that has imported what they need."""

import multiprocessing
from multiprocessing.context import ForkServerContext

LATE = [f"mlflow.store.{what}.sqlalchemy_store" for what in ("tracking", "model_registry")]


def with_all_imported(*modules: str) -> ForkServerContext:
    """A context whose server imports the modules, and what MLflow imports late. There is one server
    in a process: whoever comes second has its modules imported in each process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*modules, *LATE])
    return context
