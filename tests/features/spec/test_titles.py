"""Seniority and department by title: the default table by examples, and the table's own rules."""

import json

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.config import load
from features.errors import BadInput
from features.spec.titles import DEFAULT, OfTitle, Titles, load_titles
from features.toml import parse_toml, read_text
from tests.features import oracle

TITLES = [  # title, seniority, department
    # English
    ("CEO", "executive", "management"),
    ("Chief Financial Officer", "executive", "finance"),
    ("Chief Information Security Officer", "executive", "it"),
    ("President", "executive", "management"),
    ("Vice President", "director", "management"),
    ("Vice President of Sales", "director", "sales"),
    ("Head of Marketing", "director", "marketing"),
    ("Managing Director", "executive", "management"),
    ("IT Director", "director", "it"),
    ("Founder & Managing Partner", "owner", "management"),
    ("Assistant to the CEO", "staff", "administration"),
    ("Executive Assistant", "staff", "administration"),
    ("Procurement Manager", "manager", "purchasing"),
    ("Account Executive", "staff", "sales"),
    ("Senior Software Engineer", "senior", "it"),
    ("Mechanical Engineer", "staff", "engineering"),
    ("HR Business Partner", None, "hr"),
    ("Legal Counsel", "staff", "legal"),
    ("Marketing Intern", "junior", "marketing"),
    ("Internal Auditor", None, "finance"),
    # German
    ("Geschäftsführer", "executive", "management"),
    ("Geschäftsführerin", "executive", "management"),
    ("geschaeftsfuehrender Gesellschafter", "owner", "management"),
    ("Leiter Einkauf", "director", "purchasing"),
    ("Vertriebsleiterin", "director", "sales"),
    ("Assistenz der Geschäftsleitung", "staff", "administration"),
    ("Projektleiter", "manager", None),
    ("Personalreferentin", "staff", "hr"),
    ("Sachbearbeiter Buchhaltung", "staff", "finance"),
    ("Softwareentwickler:in", "staff", "it"),
    ("Werkstudent Marketing", "junior", "marketing"),
    # French
    ("Directeur général", "executive", "management"),
    ("Directrice des achats", "director", "purchasing"),
    ("Gérant", "owner", "management"),
    ("Responsable marketing", "manager", "marketing"),
    ("stagiaire", "junior", None),
    ("Chargée de recrutement", "staff", "hr"),
    ("Assistante de direction", "staff", "administration"),
    # Spanish
    ("Director de Compras", "director", "purchasing"),
    ("Consejera Delegada", "executive", "management"),
    ("Jefe de Ventas", "manager", "sales"),
    ("Técnico de Sistemas", "staff", "it"),
    ("Becaria", "junior", None),
    # Italian
    ("Amministratore Delegato", "executive", "management"),
    ("Responsabile Acquisti", "manager", "purchasing"),
    ("Direttore Vendite", "director", "sales"),
    ("Tirocinante", "junior", None),
    # Dutch
    ("Algemeen directeur", "executive", "management"),
    ("Hoofd Inkoop", "director", "purchasing"),
    ("Eigenaar", "owner", "management"),
    ("Medewerker klantenservice", "staff", "customer service"),
    # Portuguese
    ("Diretora Financeira", "director", "finance"),
    ("Gerente de Vendas", "manager", "sales"),
    ("Estagiário", "junior", None),
    # Unknown stays unknown
    ("Astronaut", None, None),
    ("Bitte wählen", None, None),
    ("---", None, None),
    ("", None, None),
    (None, None, None),
]


def table(toml):
    return parse_toml(toml, DEFAULT, Titles)


def read(titles, features):
    """(seniority, department) of each title, by the features' SQL."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE leads (place INT, job VARCHAR)")
        connection.executemany("INSERT INTO leads VALUES (?, ?)", list(enumerate(titles)))
        columns = ", ".join(feature.sql for feature in features)
        return connection.execute(f"SELECT {columns} FROM leads l ORDER BY place").fetchall()


DEFAULTS = table(read_text(DEFAULT)).features("job")


def test_the_default_table_by_examples():
    got = read([title for title, *_ in TITLES], DEFAULTS)
    assert [(title, *of) for (title, *_), of in zip(TITLES, got, strict=True)] == TITLES


def test_the_default_table_as_the_oracle_reads_it():
    got = read([title for title, *_ in TITLES], DEFAULTS)
    assert got == [tuple(oracle.of_title(spec, title) for spec in DEFAULTS) for title, *_ in TITLES]


PLAIN = str.maketrans("äöüéèàáíóâêçãñ", "aoueeaaioaecan")
WAYS = [str.upper, str.lower, str.title, lambda text: text.lower().translate(PLAIN)]


AROUND = st.sampled_from(["", " ", "\t", "  \n", "\u00a0", "- ", "("])
WRITTEN = st.tuples(
    st.sampled_from([title for title in TITLES if title[0]]), st.sampled_from(WAYS), AROUND, AROUND
)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.lists(WRITTEN, min_size=20, max_size=60))
def test_case_accents_and_what_surrounds_it_change_nothing(written):
    titles = [before + way(title) + after for (title, *_), way, before, after in written]
    assert read(titles, DEFAULTS) == [tuple(expected) for (_, *expected), *_ in written]


def test_the_first_entry_that_knows_a_title_decides_of_each_axis():
    few = table("""
[[title]]
words = ["head of"]
seniority = "director"
[[title]]
words = ["head", "sales"]
seniority = "manager"
department = "sales"
[[title]]
words = ["*sales"]
department = "presales"
""").features("job")
    titles = ["Head of Sales", "Head", "head-of", "presales", "behead", "Head o'f", "Salesman"]
    assert read(titles, few) == [
        ("director", "sales"),
        ("manager", "sales"),
        ("director", "sales"),
        (None, "presales"),
        (None, None),
        ("manager", "sales"),
        (None, None),
    ]


def test_an_empty_table_knows_no_title():
    assert read(["CEO"], table("").features("job")) == [(None, None)]


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ('words = ["*"]\nseniority = "staff"', "'*'"),
        ('words = ["& -"]\nseniority = "staff"', "'& -'"),
        ('words = ["ceo"]', "title.0"),
        ('words = []\nseniority = "staff"', "title.0.words"),
        ('words = ["ceo"]\nseniority = "a; b"', "'a; b'"),
        ('words = ["ceo"]\nlevel = "staff"', "title.0.level"),
    ],
)
def test_a_faulty_table_is_refused(entry, named):
    with pytest.raises(BadInput) as refused:
        table(f"[[title]]\n{entry}")
    assert named in str(refused.value)


def settings_of(folder, more=""):
    (folder / "readiness.toml").write_text(
        f'{more}\n[tables]\nleads = "leads.csv"\ndeals = "deals.csv"\n'
        "[time]\nfirst_cutoff = 2026-01-01\n[capacity]\nleads = 5\n"
    )
    return load(folder)


def test_the_table_of_the_project_replaces_the_default(tmp_path):
    config = settings_of(tmp_path)
    assert load_titles(config).features("job") == DEFAULTS
    (tmp_path / "titles.toml").write_text('[[title]]\nwords = ["Bäcker*"]\ndepartment = "food"')
    seniority, department = load_titles(config).features("job")
    assert json.loads(seniority.table) == []
    assert department == OfTitle("department", "job", '[["food", ["backer*"]]]')


def test_a_named_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"ranks\.toml"):
        load_titles(settings_of(tmp_path, 'titles = "ranks.toml"'))
