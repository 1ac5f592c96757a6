"""Points per action: file > rules (scored), history, text; worth and paid (measured); learn, fit."""
