"""The command `readiness`: parses words, prints results, holds no logic."""
