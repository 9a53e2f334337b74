"""What stands outside of the process but for the database: processors and other servers."""
