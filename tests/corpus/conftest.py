"""What the corpus compares with: the numbers of the sound company, measured once."""

from pathlib import Path

import pandas as pd
import pytest

from tests.corpus.company import measured, write_company


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Every feature, label and point of the sound company."""
    return measured(write_company(tmp_path_factory.mktemp("sound")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Many little cases: too many for `make quick`."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
