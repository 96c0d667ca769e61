"""Programs of the course, each started as `python -m tools.NAME` from the repository root."""
