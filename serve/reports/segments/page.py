"""The page of the segments: what share of each is won against all leads, and how they overlap.

Words and layout are in pages/segments.html.
"""

from itertools import chain

from serve.reports import page
from serve.reports.segments.figures import SegmentGroup, SegmentsReport

FEW_COLUMNS = 8  # of the overlap; beyond it their heads are numbers
HEADROOM = 1.04  # of the picture, beyond the longest interval


def render(report: SegmentsReport) -> str:
    """The page as text; the same report gives the same page."""
    ranked = sorted(report.segments, key=_by_conversion)
    places = {group.name: number for number, group in enumerate(ranked, start=1)}
    names = list(places)
    rates = [
        group.conversion.rate for group in (report.all_open_leads, report.in_no_segment, *ranked)
    ]
    return page.render(
        "segments/page.html",
        report=report,
        verdict=report.verdict,
        ranked=ranked,
        places=places,
        scale=page.scale_of(chain(*rates), HEADROOM),
        overlap=report.overlap.loc[names, names].to_numpy().tolist(),
        by_number=len(names) > FEW_COLUMNS,
    )


def _by_conversion(group: SegmentGroup) -> tuple[bool, float]:
    """The best first, those of unknown conversion last."""
    rate = group.conversion.rate.point
    return (rate != rate, -rate)
