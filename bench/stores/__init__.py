"""`python -m bench.stores`: the three stores against their floors, and what a search costs in each at size."""
