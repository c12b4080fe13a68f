"""How the span store keeps a chunk: zstd, level 3."""

import threading

import zstandard

LEVEL = 3
"""Measured on generated traces: level 1 saves a fifth of the time and costs a tenth more space; 6 doubles the time for 4 %."""

_local = threading.local()


def compress(body: bytes) -> bytes:
    """One zstd frame with its content size."""
    compressor = getattr(_local, "compressor", None)
    if compressor is None:
        compressor = _local.compressor = zstandard.ZstdCompressor(level=LEVEL)
    return compressor.compress(body)


def decompress(blob: bytes) -> bytes:
    """What `compress` was given."""
    decompressor = getattr(_local, "decompressor", None)
    if decompressor is None:
        decompressor = _local.decompressor = zstandard.ZstdDecompressor()
    return decompressor.decompress(blob)
