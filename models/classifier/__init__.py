"""The readiness classifier: encoding, trees or regression, calibration, storage."""
