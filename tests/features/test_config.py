"""readiness.toml is read strictly, and every refusal says what to write instead."""

from datetime import datetime

import pytest

from features.config import REMOVED_KEYS, load
from features.errors import BadInput

GOOD = """
[tables]
events = "events.parquet"
leads = "leads.parquet"
deals = "deals.parquet"

[time]
first_cutoff = 2026-01-05

[capacity]
share = 0.1
"""


def read(folder, toml):
    path = folder / "readiness.toml"
    path.write_text(toml, encoding="utf-8")
    return load(path)


def refusal(folder, toml):
    with pytest.raises(BadInput) as refused:
        read(folder, toml)
    return str(refused.value)


def test_the_least_file_has_the_documented_defaults(tmp_path):
    config = read(tmp_path, GOOD)
    assert config.time.first_cutoff == datetime(2026, 1, 5)
    assert config.time.horizon_days == 30
    assert config.features.windows_days == [1, 7, 30, 90]
    assert config.engine.memory_gb == 4
    assert config.features.attributes == []
    assert config.folder == tmp_path
    assert load(tmp_path) == config  # the folder will do


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("[time]\nhorizon = 30", "time.horizon: unknown key; did you mean horizon_days?"),
        ("[features]\nwindow_days = [7]", "unknown key; did you mean windows_days?"),
        ("[tables]\nevent = 'x'", "tables.event: unknown key; did you mean events?"),
        ("[training]\nseed = 7", "did you mean seed above the first [section]?"),
        ("[mlflow]\ntracking = 'x'", "unknown key; known here: uri, experiment, model"),
        ("[engine]\nhorizon_days = 7", "did you mean [time] horizon_days?"),
        ("[feature]\nattributes = []", "feature: unknown key; did you mean features?"),
        ("sed = 3", "sed: unknown key; did you mean seed?"),
        ("path = 'elsewhere'", "path: "),
    ],
)  # fmt: skip
def test_an_unknown_key_names_the_nearest(tmp_path, wrong, message):
    assert message in refusal(tmp_path, merged(wrong))


def merged(more):
    """The good file with a section's keys added, or keys before the first section."""
    if not more.startswith("["):
        return more + "\n" + GOOD
    head = more.splitlines()[0]
    return GOOD.replace(head, more) if head in GOOD else GOOD + more


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("first_cutoff = 2026-01-05", "time.first_cutoff: is required"),
        ('deals = "deals.parquet"', "tables.deals: is required"),
        ("[capacity]\nshare = 0.1", "capacity: is required"),
    ],
)
def test_what_is_missing_is_named(tmp_path, gone, message):
    assert message in refusal(tmp_path, GOOD.replace(gone, ""))


@pytest.mark.parametrize(
    ("good", "wrong", "place", "shown"),
    [
        ("share = 0.1", "share = 1.5", "capacity.share", "1.5"),
        ("share = 0.1", "share = 0", "capacity.share", "0"),
        ("share = 0.1", "share = '10%'", "capacity.share", "10%"),
        ("share = 0.1", "leads = 0", "capacity.leads", "0"),
        ("share = 0.1", "leads = 2.5", "capacity.leads", "2.5"),
        ("2026-01-05", "20260105", "time.first_cutoff", "20260105"),
        ("2026-01-05", "2026-01-05\nhorizon_days = 0", "time.horizon_days", "0"),
        ("2026-01-05", "2026-01-05\nhorizon_days = '30'", "time.horizon_days", "30"),
        ("2026-01-05", "2026-01-05\ntest_cutoffs = 0", "time.test_cutoffs", "0"),
        ("[capacity]", "[features]\nwindows_days = []\n[capacity]", "features.windows_days", "[]"),
        ("[capacity]", "[features]\nwindows_days = [7, 0]\n[capacity]", "windows_days.1", "0"),
        ("[capacity]", "[engine]\nmemory_gb = 0.1\n[capacity]", "engine.memory_gb", "0.1"),
        ("[tables]", "seed = -1\n[tables]", "seed", "-1"),
        ("[tables]", "seed = true\n[tables]", "seed", "True"),
        ("[tables]", "words = {visit = 3}\n[tables]", "words.visit", "3"),
    ],
)
def test_a_value_that_does_not_fit_is_shown_with_its_place(tmp_path, good, wrong, place, shown):
    message = refusal(tmp_path, GOOD.replace(good, wrong, 1))
    assert "has 1 fault:" in message
    assert f"{place}: should " in message
    assert message.endswith(f"it is {shown!r}") or message.endswith(f"it is {shown}")


def test_every_fault_is_reported_at_once(tmp_path):
    wrong = GOOD.replace("share = 0.1", "share = 7").replace("first_cutoff", "first_cutof")
    message = refusal(tmp_path, wrong)
    assert "has 3 faults:" in message
    for part in ("capacity.share", "time.first_cutof: unknown", "time.first_cutoff: is required"):
        assert part in message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-05", datetime(2026, 1, 5)),
        ("2026-01-05T06:30:00", datetime(2026, 1, 5, 6, 30)),
        ("2026-01-05T06:30:00Z", datetime(2026, 1, 5, 6, 30)),
        ("2026-01-05 01:30:00+02:00", datetime(2026, 1, 4, 23, 30)),
    ],
)
def test_dates_and_offsets_become_naive_utc(tmp_path, written, meant):
    toml = GOOD.replace("2026-01-05", f"{written}\ndata_end = {written}")
    times = read(tmp_path, toml).time
    assert times.first_cutoff == times.data_end == meant
    assert times.first_cutoff.tzinfo is None


@pytest.mark.parametrize("both_or_none", ["", "share = 0.1\nleads = 50"])
def test_capacity_is_a_share_or_a_number(tmp_path, both_or_none):
    message = refusal(tmp_path, GOOD.replace("share = 0.1", both_or_none))
    assert "capacity: name either `share` or `leads`, one of them" in message


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sqlite:///out/mlflow.db", "sqlite:///{folder}/out/mlflow.db"),
        ("sqlite:///../other.db", "sqlite:///{parent}/other.db"),
        ("sqlite:////var/mlflow.db", "sqlite:////var/mlflow.db"),
        ("http://tracking:5000", "http://tracking:5000"),
    ],
)
def test_a_relative_sqlite_path_is_taken_from_the_file(tmp_path, uri, expected, monkeypatch):
    monkeypatch.chdir("/")
    config = read(tmp_path, GOOD + f'\n[mlflow]\nuri = "{uri}"')
    assert config.mlflow_uri == expected.format(folder=tmp_path, parent=tmp_path.parent)


@pytest.mark.parametrize("key", REMOVED_KEYS)
@pytest.mark.parametrize("value", ["true", "false"])
def test_a_removed_key_is_one_fault_with_the_reason(tmp_path, key, value):
    section, name = key.split(".")
    _, fault = refusal(tmp_path, f"{GOOD}[{section}]\n{name} = {value}\n").splitlines()
    assert f"{key}: was removed" in fault
    assert "unknown" not in fault
    assert REMOVED_KEYS[key] in fault


def test_a_missing_file_says_how_to_write_one(tmp_path):
    with pytest.raises(BadInput, match=rf"no readiness\.toml in {tmp_path}.*readiness init"):
        load(tmp_path)
    with pytest.raises(BadInput, match=r"There is no .*other\.toml"):
        load(tmp_path / "other.toml")


@pytest.mark.parametrize("broken", ["[tables", "seed = ", "seed = 1\nseed = 2", "x = 'a\nb'"])
def test_broken_toml_is_said_to_be_broken(tmp_path, broken):
    assert "is not valid TOML" in refusal(tmp_path, broken)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "readiness.toml"
    path.write_bytes('rules = "Größe"'.encode("latin-1"))
    with pytest.raises(BadInput, match="UTF-8"):
        load(path)


def test_a_byte_order_mark_is_no_content(tmp_path):
    (tmp_path / "readiness.toml").write_text(GOOD, encoding="utf-8-sig")
    with_mark = load(tmp_path)
    assert with_mark == read(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ('"2026-01-05"', "first_cutoff = 2026-01-05"),
        ('"2026-01-05T10:00:00"', "first_cutoff = 2026-01-05T10:00:00"),
        ('"next week"', "first_cutoff = 2027-03-31"),
        ('"05.01.2026"', "first_cutoff = 2027-03-31"),
    ],
)
def test_a_date_in_quotes_is_shown_without(tmp_path, given, hint):
    message = refusal(tmp_path, GOOD.replace("= 2026-01-05", f"= {given}"))
    assert message.endswith(hint)
    read(tmp_path, GOOD.replace("first_cutoff = 2026-01-05", hint))  # can be pasted


@pytest.mark.parametrize("section", ["time", "features", "publish.webhook", "engine.spark"])
def test_what_is_no_table_is_refused_in_words_of_the_file(tmp_path, section):
    head, _, key = section.rpartition(".")
    text = (
        merged(f"[{head}]\n{key} = 3") if head else f"{key} = 3\n" + GOOD.replace("[time]", "[x]")
    )
    line = next(row for row in refusal(tmp_path, text).splitlines() if f"{section}: " in row)
    assert "table" in line
    assert "instance" not in line


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ('shadow.challengers = "all"', "shadow.challengers: ", ("boolean", "list", "'all'")),
        ("shadow.challengers = [4, 5.5]", "shadow.challengers.1: ", ("integer", "5.5")),
        ("routing.amount = [5000]", "routing.amount: ", ("number", "string", "[5000]")),
        ('cohort.where = "large"', "cohort.where: ", ("table", "list", "'large'")),
    ],
)
def test_a_value_of_several_kinds_has_one_fault_at_the_path_that_the_user_wrote(
    tmp_path, line, place, words
):
    (fault,) = refusal(tmp_path, f"{line}\n{GOOD}").splitlines()[1:]
    assert fault.strip().startswith(place)
    for word in words:
        assert word in fault
