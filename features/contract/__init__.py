"""What a lead database must contain (tables), opening one (database, observed), its faults
(breaches)."""
