"""The people of an account: who did what, and which role each has in the decision."""
