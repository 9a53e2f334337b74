"""The statements that PostgreSQL runs for us."""
