"""What a lead database must contain (tables), opening one (database), its faults (breaches)."""
