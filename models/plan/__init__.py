"""How many deals will be won, from the leads that are open and those still to come."""
