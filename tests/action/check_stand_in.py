"""Stands in for the command line where a test needs an exit code or a report that the real one does not give on request.

STAND_IN is JSON: `code`, `conclusion`, `print`, `sleep`, and `keep` (copy the files that it is given).
What it was called with goes to called.json.
"""

import json
import os
import sys
import time
from pathlib import Path

told = json.loads(os.environ["STAND_IN"])
arguments = sys.argv[1:]
secrets = [name for name in os.environ if name.startswith(("INPUT_", "STATE_"))]
Path("called.json").write_text(json.dumps({"arguments": arguments, "secrets": secrets, "pid": os.getpid()}))
print(told.get("print", ""))
time.sleep(told.get("sleep", 0))
if told.get("keep"):
    for path in map(Path, arguments[1 : arguments.index("--golden-dir")]):
        Path(path.name).write_bytes(path.read_bytes())
out = Path(arguments[arguments.index("--out") + 1])
if "conclusion" in told:
    verdict = {"conclusion": told["conclusion"], "findings": [], "flows": [], "reasons": []}
    (out / "report.json").write_text(json.dumps(verdict))
    (out / "summary.md").write_text("## Local summary")
    (out / "comment.md").write_text("### Local comment")
sys.exit(told["code"])
