"""The door for traces: OTLP over HTTP."""
