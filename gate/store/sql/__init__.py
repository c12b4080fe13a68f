"""Records and spans in one SQL database, by SQLAlchemy Core: one schema for SQLite and PostgreSQL.

Everything that touches the database is a plain function of a synchronous `Connection`; `Database` says where it runs
(a writer thread and reader threads on SQLite).
"""
