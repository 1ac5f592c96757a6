"""How the list treats groups of leads that the owner names (docs/fairness.md)."""
