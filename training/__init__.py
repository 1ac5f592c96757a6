"""From a lead database to a registered model: splits, search, fit, promote."""
