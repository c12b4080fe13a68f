"""`python -m bench.load URL SPANS SEED`: send OTLP protobuf over four connections, one request in flight on each; one JSON line.

Every body is made before the clock starts. The clock stops at the last 200, which a durable store gives after its commit.
"""

import asyncio
import json
import statistics
import sys
import time
from urllib.parse import urlsplit

from bench.tracegen import trace
from gate.codec.encode import encode_protobuf

CONNECTIONS, TRACES_A_REQUEST, SPANS_A_TRACE = 4, 50, 20


def bodies(spans: int, seed: int) -> list[bytes]:
    """Requests of 50 traces of 20 spans."""
    traces = [trace(SPANS_A_TRACE, seed * 1_000_000 + number) for number in range(spans // SPANS_A_TRACE)]
    return [
        encode_protobuf([span for each in traces[start : start + TRACES_A_REQUEST] for span in each])
        for start in range(0, len(traces), TRACES_A_REQUEST)
    ]


async def send(url: str, requests: list[bytes]) -> dict[str, float]:
    """Send everything. Raises RuntimeError for an answer that is not 200."""
    address = urlsplit(url)
    head = f"POST {address.path} HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-type: application/x-protobuf\r\ncontent-length: "
    waiting = list(reversed(requests))
    latencies: list[float] = []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while waiting:
            body = waiting.pop()
            started = time.perf_counter()
            writer.writelines((f"{head}{len(body)}\r\n\r\n".encode(), body))
            await writer.drain()
            answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            if not answer.startswith("http/1.1 200"):
                raise RuntimeError(answer)
            length = next((line for line in answer.split("\r\n") if line.startswith("content-length:")), ":0")
            await reader.readexactly(int(length.split(":")[1]))
            latencies.append(time.perf_counter() - started)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "p50_ms": statistics.median(latencies) * 1000, "max_ms": max(latencies) * 1000}


if __name__ == "__main__":
    url, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(asyncio.run(send(url, bodies(count, seed)))))
