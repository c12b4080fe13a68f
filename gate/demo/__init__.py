"""The story of Spangate as a real instrumented service, its test suite, and the gate that catches what the tests miss."""
