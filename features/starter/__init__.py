"""What `readiness init` guesses from the tables and writes, to be read and edited."""
