"""Why a lead has its readiness: exact contributions, worded reasons, importance."""
