"""`python -m bench`: every speed benchmark, one after the other; each also runs alone (`python -m bench.compare`)."""

import subprocess
import sys

BENCHMARKS = ("bench.compare", "bench.ingest")


def main() -> int:
    """The number of benchmarks that could not run."""
    failed = 0
    for module in BENCHMARKS:
        print(f"\n## {module}\n", flush=True)
        failed += subprocess.run([sys.executable, "-m", module, *sys.argv[1:]], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
