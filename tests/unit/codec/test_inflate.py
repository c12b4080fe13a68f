"""Compressed bodies: plain bytes or an error, never more than the bound."""

import gzip
import resource
import zlib
from collections.abc import Callable

import pytest
import zstandard

from gate.codec.inflate import inflate
from gate.errors import TooLarge, UnreadableTraces, UnsupportedMedia

PLAIN = bytes(range(256)) * 300


def zstd_stream(plain: bytes) -> bytes:
    """A frame that does not tell its size, as streaming compressors write."""
    stream = zstandard.ZstdCompressor().compressobj()
    return stream.compress(plain) + stream.flush()


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "zstd stream": ("zstd", zstd_stream),
}
each_coding = pytest.mark.parametrize("coding", CODINGS)


@each_coding
def test_inflates(coding: str) -> None:
    """The plain bytes, also exactly at the limit, also none at all."""
    name, compress = CODINGS[coding]
    assert inflate(compress(PLAIN), name, limit=len(PLAIN)) == PLAIN
    assert inflate(compress(b""), name, limit=10) == b""


@each_coding
def test_one_byte_over_the_limit(coding: str) -> None:
    """The limit is exact and the message names the setting."""
    name, compress = CODINGS[coding]
    with pytest.raises(TooLarge, match=r"76799 bytes.*SPANGATE_X"):
        inflate(compress(PLAIN), name, limit=len(PLAIN) - 1, setting="SPANGATE_X")


@each_coding
def test_every_truncation_is_told(coding: str) -> None:
    """A body cut anywhere is unreadable, never a shorter body."""
    name, compress = CODINGS[coding]
    body = compress(PLAIN[:700])
    for cut in range(1, len(body)):
        with pytest.raises(UnreadableTraces):
            inflate(body[:cut], name, limit=10_000)


@each_coding
def test_what_follows_is_told(coding: str) -> None:
    """Bytes after the end are no part of a body."""
    name, compress = CODINGS[coding]
    with pytest.raises(UnreadableTraces):
        inflate(compress(PLAIN) + b"and more", name, limit=100_000)


@pytest.mark.parametrize("coding", ["gzip", "zstd", "zstd stream"])
def test_several_members_are_one_body(coding: str) -> None:
    """Files that were appended to have several members or frames; the bound is over all of them."""
    name, compress = CODINGS[coding]
    assert inflate(compress(PLAIN) + compress(b"x"), name, limit=100_000) == PLAIN + b"x"
    with pytest.raises(TooLarge):
        inflate(compress(PLAIN) * 2, name, limit=len(PLAIN) + 1)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_noise_is_told(coding: str) -> None:
    """Bytes of another kind are named as such."""
    for noise in (b"", b"hello, world", bytes(50)):
        with pytest.raises(UnreadableTraces, match=coding):
            inflate(noise or b"\0", coding, limit=100)


@each_coding
def test_a_bomb_costs_no_memory(coding: str) -> None:
    """256 MiB in a few kilobytes stop at the limit of 1 MiB."""
    name, _ = CODINGS[coding]
    body = _bomb(coding)
    assert len(body) < 400_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooLarge):
        inflate(body, name, limit=1024 * 1024)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def _bomb(coding: str) -> bytes:
    piece, count = bytes(1024 * 1024), 256
    match coding:
        case "gzip" | "x-gzip":
            stream = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
        case "deflate":
            stream = zlib.compressobj(9)
        case "zstd":
            stream = zstandard.ZstdCompressor().compressobj(size=count * len(piece))
        case _:
            stream = zstandard.ZstdCompressor().compressobj()
    return b"".join([*(stream.compress(piece) for _ in range(count)), stream.flush()])


def test_a_greedy_zstd_window_is_refused() -> None:
    """A frame may ask for gigabytes of window; 8 MiB is what HTTP allows."""
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=1)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = stream.compress(PLAIN) + stream.flush()
    with pytest.raises(UnreadableTraces, match="memory"):
        inflate(body, "zstd", limit=100_000)


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "snappy", "🙂"])
def test_other_codings_are_refused(coding: str) -> None:
    """The error lists what is supported."""
    with pytest.raises(UnsupportedMedia, match="gzip, zstd, deflate, identity"):
        inflate(PLAIN, coding, limit=100_000)


def test_identity_has_the_limit_too() -> None:
    """A plain body passes as it is."""
    assert inflate(PLAIN, "", limit=len(PLAIN)) is PLAIN
    with pytest.raises(TooLarge):
        inflate(PLAIN, "identity", limit=10)
