"""The use cases on stores: `open_gate` gives a `gate.service.Gate`; each file here is one group of them.

Receiving only stores; judging compares, and can be repeated at any time; promoting changes two stores and is never half done.
"""
