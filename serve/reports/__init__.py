"""One folder per report: its figures, plot, page and wording."""
