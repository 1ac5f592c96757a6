"""What a lead database must contain (tables), opening one (database), faults in one (breaches)."""
