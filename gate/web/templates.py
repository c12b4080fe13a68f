"""The pages' Jinja environment: the reports' one, which escapes and cleans every value, with the words of pages."""

from functools import cache

import jinja2

from gate.report.templates import html_templates
from gate.web.markdown import on_github
from gate.web.static import static
from gate.web.words import address, code_spans, duration, moment, moment_text, verbatim


@cache
def page_templates() -> jinja2.Environment:
    """Templates under `templates/`; an undefined name is an error."""
    environment = html_templates().overlay()
    environment.filters = {
        **environment.filters,
        "code_spans": code_spans,
        "duration": duration,
        "moment": moment,
        "moment_text": moment_text,
        "on_github": on_github,
        "verbatim": verbatim,
    }
    environment.globals = {**environment.globals, "static": static, "address": address}  # type: ignore[assignment]
    return environment
