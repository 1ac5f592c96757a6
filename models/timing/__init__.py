"""How long a lead takes to close."""
