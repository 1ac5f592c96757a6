"""The verbs about the ledger: ledger runs, ledger withdraw."""

import typer

from readiness.commands.ledger import runs, withdraw

app = typer.Typer(
    name="ledger",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""
The ledger of scores: list its runs, take one out that was a mistake.

For a folder DIR with a readiness.toml:

    readiness ledger runs DIR                                  every run, the newest last
    readiness ledger withdraw DIR --cutoff TIME --because ...  take it out of lists and reports
""",
)
for name, module in {"runs": runs, "withdraw": withdraw}.items():
    app.command(name)(module.verb)
