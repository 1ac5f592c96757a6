"""The one language in which rules, disqualifiers and segments say which leads they are about."""
