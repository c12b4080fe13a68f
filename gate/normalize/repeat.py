"""A template is its own template: the guarantee, for every text."""

from collections.abc import Callable
from functools import lru_cache

MAX_PASSES = 10
MAX_LENGTH = 4_096
"""Characters of a name, URL, topic or key that are read; hostile text is longer."""


def until_stable(size: int, limit: int = MAX_LENGTH) -> Callable[[Callable[[str], str]], Callable[[str], str]]:
    """Decorator: apply a text function until its result no longer changes, and remember the last `size` texts.

    One pass and a check is the rule; hostile text (`%2541`, `?.0`) can take more. After `MAX_PASSES` the result stands.
    Only the first `limit` characters of a text count.
    """

    def decorate(function: Callable[[str], str]) -> Callable[[str], str]:
        @lru_cache(maxsize=size)
        def stable(text: str) -> str:
            text = text[:limit]
            for _ in range(MAX_PASSES):
                result = function(text)[:limit]
                if result == text:
                    break
                text = result
            return text

        stable.__doc__ = function.__doc__
        return stable

    return decorate
