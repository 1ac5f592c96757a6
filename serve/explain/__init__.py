"""`readiness explain`: one lead's reasons, its history, and why its score changed."""
