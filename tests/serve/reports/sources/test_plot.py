"""The picture of the sources says what it was given."""

from serve.reports.sources.plot import MOST_ROWS, Row, baskets

LEVELS = (0.2, 0.1, 0.05)


def test_every_source_with_its_interval_and_its_move() -> None:
    rows = [
        Row("social", "passive-2", 0.03, 0.02, 0.04, None),
        Row("$fair", "active-2", 0.25, 0.22, 0.28, "active-1"),
    ]
    (axes,) = baskets(rows, LEVELS, 30).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["$fair", "social"]
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["active-1", "active-2", "passive-1", "passive-2", "to active-1"]
    sample = [tuple(line.get_xdata()) for line in axes.lines]
    assert [tuple(x) for x in sample[3:5]] == [(0.22, 0.28), (0.25,)]
    assert [x[0] for x in sample[:3]] == list(LEVELS)
    baskets(rows, LEVELS, 30).draw_without_rendering()


def test_many_sources_are_cut_to_the_best() -> None:
    rows = [Row(f"s{n}", "passive-1", n / 200, 0.0, 0.9, None) for n in range(100)]
    (axes,) = baskets(rows, LEVELS, 30).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert (len(labels), labels[0]) == (MOST_ROWS, "s99")
