"""Why a lead stands where it stands, and what changed."""
