"""Secrets are masked wherever they stand, and what is none stays."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import masking
from features.config import load
from features.errors import BadInput, Refused, shortened
from features.masking import remember_environment, remember_secrets, without_secrets
from features.result_json import to_json
from tests.readiness.running import little_folder

CANARY = "c4n4ry-Bird"


@pytest.fixture(autouse=True)
def only_what_a_test_remembers(monkeypatch):
    monkeypatch.setattr(masking, "_known", set())


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://anna:{}@db.example.org:5432/leads",
        "postgresql+psycopg2://anna:{}@db/leads?sslmode=require",
        "mysql://:{}@db/shop",
        "https://{}@tracking.example.org/api failed",
        "databricks://token:{}@host",
        "'a://u:{}@h','b://u:{}@h'",
        "postgresql://anna:pa/ss@{}@db/leads",
        "postgresql://db/leads?user=anna&password={}",
        "postgresql://db/leads?sslpassword={}&user=anna",
        "sc://spark:443/;user_id=anna;token={}",
        "host=db user=anna password={} dbname=leads",
        "host=db password = '{} x' dbname=leads",
        "postgres_scan('host=db password={}', 'public', 'log')",
        "postgres_scan('host=db password=''{} x''', 'public', 'log')",
        "password='it\\'s {}', user='anna'",
        "password='it''s {}', user='anna'",
        "CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET '{}')",
        'SET s3_secret_access_key="{}"',
        "{{'user': 'anna', 'password': '{}'}}",
        '{{"api_key": "{} x"}}',
        "https://x.blob.example.org/leads?sv=1&sig={}",
        "DefaultEndpointsProtocol=https;AccountKey={};x=1",
        "Authorization: Bearer {}",
        "next=postgresql%3A%2F%2Fdb%3Fpassword%3D{}",
        "PASSWORD={}",
        "MLFLOW_TRACKING_TOKEN: {}",
        "export CRM_PASSWORD='{} x",  # cut before its end
    ],
)
def test_a_secret_is_known_by_its_place(text):
    masked = without_secrets(text.format(CANARY, CANARY))
    assert CANARY not in masked
    assert "***" in masked
    assert without_secrets(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://anna:***@db.example.org:5432/leads",
        "postgresql://user:${PASSWORD}@host:5432/database?schema=name",
        "export CRM_PASSWORD='...'",
        "the password comes from the environment; passwords, tokens and secrets are masked",
        "sqlite:////home/anna/out/mlflow.db",
        "https://example.org/pricing?page=2, or mail@example.org at 10:30",
        "count_7d(forgot_password) is 3",
        "passive-1 passes bypass=1, compass = 2",
    ],
)
def test_what_is_no_secret_stays(text):
    remember_secrets(text)
    assert without_secrets(text) == text


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text != "${A}"))
def test_any_password_in_a_url_as_a_url_takes_it(password):
    encoded = quote(password, safe="")
    assert without_secrets(f"http://anna:{encoded}@db/x") == "http://anna:***@db/x"


def test_what_is_remembered_is_masked_in_every_spelling():
    remember_secrets("postgresql://anna:c4n%40ry%20x@db; password='it''s c4nary', token=b1rd-b1rd")
    text = without_secrets("c4n%40ry%20x c4n@ry x it's c4nary it''s c4nary ...b1rd-b1rd")
    assert text == "*** *** *** *** ...***"


def test_a_plain_word_is_not_masked_all_over():
    remember_secrets("postgresql://mlflow:mlflow@db/mlflow")
    assert without_secrets("MLflow in out/mlflow.db") == "MLflow in out/mlflow.db"


def test_the_environment_but_not_its_folders(monkeypatch, tmp_path):
    for name, value in {
        "CRM_PASSWORD": "hunter22",
        "CRM_URL": "mysql://anna:gr33n-tea@db/x",
        "PWD": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    remember_environment()
    text = f"hunter22 of gr33n-tea in {tmp_path}"
    assert without_secrets(text) == f"*** of *** in {tmp_path}"


@pytest.mark.parametrize("error", [BadInput, Refused])
def test_every_message_and_every_json(error):
    text = f"postgresql://anna:{CANARY}@db failed"
    assert str(error(text)) == "postgresql://anna:***@db failed"
    assert to_json({"error": [text]}) == {"error": ["postgresql://anna:***@db failed"]}
    assert CANARY[:4] not in shortened("x" * 70 + f" password={CANARY * 20}")


def test_settings_as_text_show_none_and_are_remembered(tmp_path):
    folder = little_folder(tmp_path)
    with (folder / "readiness.toml").open("a") as file:
        file.write(f'[mlflow]\nuri = "postgresql://anna:{CANARY}@db/mlflow"\n')
    config = load(folder)
    assert CANARY in config.mlflow.uri
    assert CANARY not in repr(config) + str(config.mlflow)
    assert without_secrets(f"no {CANARY}") == "no ***"


def test_a_long_text_takes_no_time():
    for text in ("passw" * 9_000, "://" * 9_000, "token='" * 9_000, "a" * 90_000):
        without_secrets(text)
