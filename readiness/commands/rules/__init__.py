"""The verbs about the points table: rules show, rules diff, rules test, rules learn."""

import typer

from readiness.commands.rules import diff, learn, show, test

app = typer.Typer(
    name="rules",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""
The points table: show it, compare versions, test a draft before it is used.

For a folder DIR with a readiness.toml and a rules.toml:

    readiness rules show DIR              the rules in words, with their version
    readiness rules diff A B DIR          which leads would change band under B
    readiness rules test draft.toml DIR   would its list have been better?
    readiness rules learn DIR             a points table from past outcomes

A, B: a .toml file, `current`, or the version of rules that were scored with (its first digits).
""",
)
for name, module in {"show": show, "diff": diff, "test": test, "learn": learn}.items():
    app.command(name)(module.verb)
