"""What is measured: features as typed objects that name themselves, and how they read in words."""
