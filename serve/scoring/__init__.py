"""From a registered model to a scored lead database."""
