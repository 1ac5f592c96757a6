"""Which worker runs which tests (`-n 2 --dist loadfile`): files that share what takes long to make
go to one worker, who makes it once; every other file goes to whoever is free."""

import json
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

GROUPS = {"untrained": "company", "trained": "trained"}  # by a fixture asked for, the first counts


class SharingScheduling(LoadFileScheduling):
    """Spreads tests by file, but those of a group as if they were of one file."""

    groups: dict[str, str]

    def schedule(self) -> None:
        """The workers have collected all tests, and each has written the same groups."""
        self.groups = json.loads(groups_file(self.config).read_text("utf-8"))
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return self.groups.get(file, file)


def groups_file(config: pytest.Config) -> Path:
    """Where workers write the groups for the scheduler: in the folder that they share."""
    folder = config._tmp_path_factory.getbasetemp()
    return (folder.parent if hasattr(config, "workerinput") else folder) / "groups.json"


def first_groups_then_slow(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Write the group of each file; order the groups first, then the files with slow tests."""
    fixtures: dict[str, set[str]] = {}
    slow = set()
    for test in items:
        file = test.nodeid.split("::", 1)[0]
        fixtures.setdefault(file, set()).update(getattr(test, "fixturenames", ()))
        if test.get_closest_marker("slow"):
            slow.add(file)
    groups = {
        file: next(group for fixture, group in GROUPS.items() if fixture in names)
        for file, names in fixtures.items()
        if names & GROUPS.keys()
    }
    path = groups_file(config)
    written = path.with_suffix(f".{config.workerinput['workerid']}")
    written.write_text(json.dumps(groups), "utf-8")
    written.replace(path)

    def turn(test: pytest.Item) -> tuple[bool, str, bool]:
        file = test.nodeid.split("::", 1)[0]
        return (file not in groups, groups.get(file, ""), file not in slow)

    items.sort(key=turn)
