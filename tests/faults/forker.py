"""Makes `spangate serve` processes quickly: everything is imported once, each process is a fork.

Each line on standard input is one server: how many nanoseconds its clock is ahead of the real one, its log file, and its arguments,
separated by tabs; its process id is printed. From `main` on it is what the command line runs. The clock of a server decides what
is old for the next one, as retention sees it.
"""

import importlib
import os
import signal
import sys
import time

ahead = 0
real = time.time_ns
time.time_ns = lambda: real() + ahead  # before anything takes hold of it
for module in (
    "gate.cli.serve",
    "gate.app",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
):
    importlib.import_module(module)
main = importlib.import_module("gate.cli").main
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets those that ended
for line in sys.stdin:
    ahead_text, log, *arguments = line.rstrip("\n").split("\t")
    process = os.fork()
    if process:
        print(process, flush=True)
        continue
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ahead = int(ahead_text)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    main(arguments)
