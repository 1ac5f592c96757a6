"""How large the corpus is."""

from tests.corpus import (
    test_contract,
    test_frames,
    test_ids,
    test_numbers,
    test_settings,
    test_tables,
    test_text_files,
    test_times,
)

FILES = (
    *(test_contract, test_frames, test_ids, test_numbers),
    *(test_settings, test_tables, test_text_files, test_times),
)


def test_there_are_many_cases_each_once() -> None:
    counts = {}
    for file in FILES:
        names = [one.name for one in file.CASES]
        assert len(set(names)) == len(names)
        counts[file.__name__.rpartition("test_")[2]] = len(names)
    print(f"{sum(counts.values())} cases: {counts}")
    assert sum(counts.values()) >= 120
