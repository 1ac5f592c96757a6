"""What ranks leads: the classifier, the points table, their metrics, reasons and registry."""
