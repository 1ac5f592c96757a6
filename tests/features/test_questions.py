"""[questions.NAME]: what a question inherits, what it changes, and what it must not."""

import pytest
from pydantic import BaseModel

from features.config import Config, load, load_all, load_each
from features.errors import BadInput
from features.questions import SHARED

FILE = """
[tables]
events = "events.parquet"
leads = "leads.parquet"
deals = "deals.parquet"
[time]
first_cutoff = 2026-01-05
cutoff_every_days = 14
[capacity]
share = 0.1
[cohort]
where = [{age_from_days = 3}]
not_segments = ["staff"]
[routing]
by = "value"
cost_per_contact = 20
[publish]
files = ["hubspot"]
[mlflow]
model = "acme"
[words]
visit = "visited"
"""


def every(folder, toml):
    (folder / "readiness.toml").write_text(toml, encoding="utf-8")
    return load_all(folder)


def refusal(folder, toml):
    with pytest.raises(BadInput) as refused:
        every(folder, FILE + toml)
    return str(refused.value)


def test_without_questions_the_file_is_the_only_one(tmp_path):
    configs = every(tmp_path, FILE)
    assert list(configs) == ["main"]
    assert configs["main"] == load(tmp_path) == load(tmp_path, "main")
    assert "questions" not in configs["main"].model_dump_json()


def test_a_question_inherits_all_but_what_it_names(tmp_path):
    configs = every(
        tmp_path,
        FILE
        + """
[questions.expansion]
time.horizon_days = 90
cohort.not_segments = []
capacity.leads = 40
tables.deals = "SELECT * FROM deals WHERE pipeline = 'expansion'"
words.mail = "was sent a mail"
[questions.expansion.routing]
by = "capacity"
[questions.renewal]
rules = "renewal.toml"
""",
    )
    assert list(configs) == ["main", "expansion", "renewal"]
    main, expansion, renewal = configs.values()
    assert (main.time.horizon_days, expansion.time.horizon_days) == (30, 90)
    assert expansion.time.cutoff_every_days == renewal.time.cutoff_every_days == 14
    assert (expansion.cohort.where, expansion.cohort.not_segments) == (main.cohort.where, [])
    assert renewal.cohort == main.cohort
    assert expansion.tables == main.tables.model_copy(update={"deals": expansion.tables.deals})
    assert expansion.words == main.words | {"mail": "was sent a mail"}
    # keys that exclude one another are not mixed
    assert (expansion.capacity.share, expansion.capacity.leads) == (None, 40)
    assert (expansion.routing.by, expansion.routing.cost_per_contact) == ("capacity", None)
    assert renewal.routing == main.routing
    assert (main.rules, renewal.rules) == ("rules.toml", "renewal.toml")


def test_no_two_questions_write_to_one_place(tmp_path):
    configs = every(tmp_path, FILE + "[questions.expansion]\n[questions.renewal]")
    assert [config.mlflow.model for config in configs.values()] == [
        "acme",
        "acme-expansion",
        "acme-renewal",
    ]
    assert len({config.mlflow.experiment for config in configs.values()}) == 3
    assert len({config.out_folder for config in configs.values()}) == 3
    assert {config.mlflow_uri for config in configs.values()} == {configs["main"].mlflow_uri}
    assert [bool(config.publish.files) for config in configs.values()] == [True, False, False]
    same = refusal(tmp_path, "[questions.expansion]\nmlflow.model = 'acme'")
    assert "questions.expansion.mlflow.model" in same


@pytest.mark.parametrize(
    ("toml", "parts"),
    [
        ("[questions.a]\ntime.horizon = 9", ["questions.a.time.horizon", "horizon_days"]),
        ("[questions.a]\ntime.horizon_days = 'x'", ["questions.a.time.horizon_days"]),
        ("[questions.a]\ncapacity.share = 2", ["questions.a.capacity.share"]),
        ("[questions.a]\ntimes.horizon_days = 9", ["questions.a.times", "time"]),
        ("[questions.a.questions.b]\nseed = 1", ["questions.a.questions"]),
        ("[questions]\na = 3", ["questions.a"]),
        ("[question.a]\ntime.horizon_days = 9", ["question", "questions"]),
        *((f"[questions.{name}]", [name]) for name in ("main", "all", "Up")),
        *((f'[questions."{name}"]', [name]) for name in ("a b", "../x", "ä")),
        (f"[questions.{'a' * 41}]", ["40"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_its_name(tmp_path, toml, parts):
    message = refusal(tmp_path, toml)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize("key", SHARED)
def test_what_holds_for_all_questions_is_refused_in_one(tmp_path, key):
    message = refusal(tmp_path, f"[questions.expansion]\n{key} = 'other'")
    assert f"questions.expansion.{key}" in message
    section, _, within = key.partition(".")
    field = Config.model_fields[section]  # it is a key of the settings at all
    if within:
        assert issubclass(field.annotation, BaseModel)
        assert within in field.annotation.model_fields


def test_an_unknown_question_is_refused_with_the_nearest(tmp_path):
    every(tmp_path, FILE + "[questions.expansion]")
    with pytest.raises(BadInput, match="Did you mean expansion"):
        load(tmp_path, "expanson")
    assert load(tmp_path, "expansion").question == "expansion"


@pytest.mark.parametrize(
    ("toml", "hint"),
    [
        ("[questions.a.b]\nhorizon_days = 3", "[questions.b]"),
        ("[questions.a.times]\nhorizon_days = 3", "[questions.a.time]"),
        ("[questions]\nhorizon_days = 3", "[questions.NAME]"),
    ],
)
def test_a_table_at_a_wrong_place_says_where_it_belongs(tmp_path, toml, hint):
    message = refusal(tmp_path, toml)
    assert hint in message
    assert message.count("\n") == 1
    assert "questions = 3" not in message


@pytest.mark.parametrize("value", ["3", "[]", '"a"'])
def test_questions_that_are_no_table_stop_all(tmp_path, value):
    (tmp_path / "readiness.toml").write_text(f"questions = {value}\n" + FILE)
    with pytest.raises(BadInput, match=r"\[questions.NAME\]"):
        load(tmp_path)


def test_the_fault_of_a_question_stops_no_other(tmp_path):
    (tmp_path / "readiness.toml").write_text(
        FILE + "[questions.a]\ntime.horizon = 3\n[questions.b]\ntime.horizon_days = 9\n"
        "[questions.c]\nmlflow.model = 'acme'\n[questions.d]\nwords = 3"
    )
    each = load_each(tmp_path)
    assert [name for name, it in each.items() if isinstance(it, BadInput)] == ["a", "c", "d"]
    assert (load(tmp_path), load(tmp_path, "b")) == (each["main"], each["b"])
    for name in "acd":
        with pytest.raises(BadInput, match=f"questions.{name}"):
            load(tmp_path, name)
    with pytest.raises(BadInput) as every_fault:
        load_all(tmp_path)
    assert all(f"questions.{name}" in str(every_fault.value) for name in "acd")
