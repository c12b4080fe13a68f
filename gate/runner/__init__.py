"""The gate on one machine: a local receiver, a child process under it, golden files, and the request of a spec."""
