"""Structured logs on stderr: for people (`console`) or for machines (`json`). The standard library's loggers are rendered the same way."""

import logging
import logging.config
import sys
from typing import Any

import structlog
import structlog.tracebacks
from structlog.typing import Processor

from gate.errors import BadRequest


def configure_logs(log_format: str) -> None:
    """Once a process. Raises BadRequest for a format that nobody knows."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    match log_format:
        case "console":
            plain = structlog.dev.plain_traceback  # the pretty one prints local variables: span content, tokens
            renderer: list[Processor] = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
        case "json":
            renderer = [
                structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
                structlog.processors.JSONRenderer(),
            ]
        case other:
            raise BadRequest(f"SPANGATE_LOG_FORMAT={other!r} is no log format.", hint="Use console or json.")
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    formatter: dict[str, Any] = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"spangate": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "spangate"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {"spangate": {"level": "INFO"}},
        }
    )
