"""Where people work: the newest list into a table, files for CRM systems, and a webhook."""
