"""Rules that were scored with are kept, and found again by their version."""

import pytest

from features.errors import BadInput
from models.rules.rules import find_rules, rules_folder, store
from tests.features.lead_databases import config_for
from tests.models.rules.test_rules import ENGAGED, table


def test_what_was_scored_with_is_kept_and_found_by_its_version(tmp_path):
    config = config_for(tmp_path)
    rules, other = table(ENGAGED + "# why so"), table(ENGAGED.replace("points = 5", "points = 6"))
    (tmp_path / "rules.toml").write_text(rules.text, encoding="utf-8")
    for _ in range(2):
        for each in (rules, other):
            stored = store(each, rules_folder(config))
            assert stored == tmp_path / "out" / "rules" / f"{each.version}.toml"
            assert stored.read_text(encoding="utf-8") == each.text
    assert len(list(rules_folder(config).iterdir())) == 2
    assert find_rules("current", config) == find_rules(rules.version, config) == rules
    assert find_rules(other.version[:7], config) == other
    assert find_rules(str(stored), config) == other
    with pytest.raises(BadInput, match=r"no rules 'zz': .* one of the versions .*"):
        find_rules("zz", config)
    with pytest.raises(BadInput, match=r"There is no file .*draft.toml"):
        find_rules("draft.toml", config)
    with pytest.raises(BadInput, match="Several versions begin with"):
        find_rules("", config)
    text = stored.read_text()
    stored.write_text(text + "# a remark changes nothing\n")
    assert find_rules(other.version, config).version == other.version
    stored.write_text(text.replace("points = 6", "points = 60"))
    with pytest.raises(BadInput, match=f"{other.version}.toml was changed"):
        find_rules(other.version, config)
    stored.write_text(text)
