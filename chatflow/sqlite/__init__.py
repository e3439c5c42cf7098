"""The SQLite database backend of the embedded default: ENGINE = "chatflow.sqlite"."""
