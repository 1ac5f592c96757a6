"""The list of leads: whom to call first, filtered, sorted and in pages."""
