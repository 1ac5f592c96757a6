"""The one language in which rules, segments and disqualifiers name the leads they mean."""
