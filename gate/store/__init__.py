"""Where spans and records live: small protocols (`protocols`), and their implementations.

`sql` keeps both in one SQL database (SQLite); the protocols are cut so that spans can live elsewhere.
The contract kit in tests/contract runs every promise of the protocols on every implementation.
"""
