"""Points per action: file > rules, history, text; worth and paid (measured); learn and fit."""
