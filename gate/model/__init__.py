"""Values only: what a trace, a flow, a change and a run are. No behaviour beyond looking at oneself, no I/O."""
