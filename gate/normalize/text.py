"""The text templates by kind of text. All are pure, cached and idempotent: a template is its own template."""

from gate.normalize.keys import command_template, key_template, topic_template
from gate.normalize.names import name_template
from gate.normalize.sql import sql_template
from gate.normalize.urls import url_template

__all__ = ["command_template", "key_template", "name_template", "sql_template", "topic_template", "url_template"]
