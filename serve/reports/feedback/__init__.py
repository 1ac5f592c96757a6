"""What sales did with the leads it was handed."""
