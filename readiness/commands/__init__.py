"""The command's verbs."""
