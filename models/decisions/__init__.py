"""What people decide: champions, routes of single leads, withdrawn runs. SQLite or PostgreSQL."""
