"""Numbers, percentages and flags as exports write them."""

from pathlib import Path

import pandas as pd

from tests.corpus.company import (
    Case,
    Edit,
    Rows,
    Same,
    both,
    breach,
    case,
    each,
    prove,
    recode,
    replace,
    write,
)


def value(text: str) -> Edit:
    """The value of the call of a-7, 1095, written so."""
    return replace("events.csv", ("called,,,1095", f"called,,,{text}"))


def employees(text: str) -> Edit:
    """The employees of a-1, 1095, written so."""
    return replace("leads.csv", ("ads,1095,DE", f"ads,{text},DE"))


def contacts(accepted: str) -> Edit:
    return both(
        write("contacts.csv", f"lead_id,contacted_at,accepted\na-1,2024-01-06,{accepted}\n"),
        replace("readiness.toml", ("[time]", 'contacts = "contacts.csv"\n[time]')),
    )


ACCEPTED = "SELECT accepted FROM contacts"
CASES = [
    case("a point and zeros", value("1095.000"), Same()),
    case("an exponent", value("1.095e3"), Same()),
    case("a plus sign", value("+1095"), Same()),
    case("quoted", value('"1095"'), Same()),
    case(
        "a thousand with a comma",
        value('"1,095"'),
        breach("events.value", 1, "lead a-7: 1,095", "replace(value, ',', '')"),
    ),
    case(
        "a point for thousands, a comma for tenths",
        value('"1.095,50"'),
        breach("events.value", 1, "lead a-7: 1.095,50", "'.', ''"),
    ),
    case(
        "a comma for tenths beside a point for tenths, which stays one",
        both(value('"1095,5"'), replace("events.csv", ("called,,,120.5\n", "called,,,1200.50\n"))),
        breach("events.value", 1, "lead a-7: 1095,5", "CASE WHEN value LIKE '%,%'", "ELSE value"),
    ),
    case("a comma for tenths", value('"1095,5"'), breach("events.value", 1, "lead a-7: 1095,5")),
    case("a currency", value("1095 EUR"), breach("events.value", 1, "lead a-7: 1095 EUR")),
    case("a percentage", value("12 %"), breach("events.value", 1, "lead a-7: 12 %", "%")),
    case("in brackets for less than nothing", value("(1095)"), breach("events.value", 1, "(1095)")),
    case("a word", value("many"), breach("events.value", 1, "lead a-7: many")),
    case("n/a", value("n/a"), breach("events.value", 1, "lead a-7: n/a")),
    case("hexadecimal", value("0x447"), breach("events.value", 1, "lead a-7: 0x447")),
    case("an underscore", value("1_095"), breach("events.value", 1, "lead a-7: 1_095")),
    case("blanks around", value(" 1095 "), breach("events.value", 1, "trim(value)")),
    case("digits of another script", value("١٠٩٥"), breach("events.value", 1, "lead a-7: ١٠٩٥")),
    case("NaN is no value", value("NaN"), Same(value(""))),
    case("infinity is no value", value("inf"), Same(value(""))),
    case(
        "a number that no double holds",
        value("1e309"),
        breach("events.value", 1, "lead a-7: 1e309"),
    ),
    case("too small for a double", value("1e-400"), Same(value("0"))),
    case(
        "an amount with a comma",
        replace("deals.csv", (",1200\n", ',"1,200"\n')),
        breach("deals.amount", 1, "lead a-1: 1,200", "replace(amount, ',', '')"),
    ),
    # Attributes: their types are found from all their values.
    case(
        "an attribute with a comma",
        employees('"1,095"'),
        breach("leads.employees", 1, "lead a-1: 1,095", "replace(employees, ',', '')"),
    ),
    case(
        "an attribute with a unit",
        employees("1095 FTE"),
        breach("leads.employees", 1, "lead a-1: 1095 FTE"),
    ),
    case(
        "an attribute that is n/a", employees("n/a"), breach("leads.employees", 1, "lead a-1: n/a")
    ),
    case(
        "an attribute that is NaN", employees("NaN"), breach("leads.employees", 1, "lead a-1: NaN")
    ),
    case("an attribute that is not there", employees(""), Same(employees(""))),
    case("tenths in one row only", employees("1095.0"), Same()),
    case(
        "postal codes stay texts",
        recode(
            "leads.csv",
            lambda t: (
                t.replace(",DE,", ",01067,")
                .replace(",AT,", ",10010,")
                .replace(",FR,", ",75001,")
                .encode()
            ),
        ),
        Rows("SELECT country FROM leads WHERE lead_id = 'a-1'", [("01067",)]),
    ),
    case(
        "an attribute without any value",
        recode(
            "leads.csv",
            lambda t: t.replace(",DE,", ",,").replace(",AT,", ",,").replace(",FR,", ",,").encode(),
        ),
        Rows("SELECT count(country) FROM leads", [(0,)]),
    ),
    case(
        "true and false as an attribute",
        recode(
            "leads.csv",
            lambda t: (
                t.replace(",DE,", ",true,")
                .replace(",AT,", ",false,")
                .replace(",FR,", ",,")
                .encode()
            ),
        ),
        Rows(
            "SELECT country::VARCHAR, count(*) FROM leads GROUP BY 1 ORDER BY 1 NULLS LAST",
            [("false", 2), ("true", 4), (None, 2)],
        ),
    ),
    # Flags.
    case("a flag as 1", contacts("1"), Rows(ACCEPTED, [(True,)])),
    case("a flag as F", contacts("F"), Rows(ACCEPTED, [(False,)])),
    case("a flag that is empty", contacts(""), Rows(ACCEPTED, [(None,)])),
    case(
        "a flag as yes",
        contacts("yes"),
        breach("contacts.accepted", 1, "lead a-1: yes", "true or false"),
    ),
    case("a flag as 2", contacts("2"), breach("contacts.accepted", 1, "lead a-1: 2")),
]


@each(CASES)
def test_numbers(one: Case, tmp_path: Path, sound: pd.DataFrame) -> None:
    prove(one, tmp_path, sound)
