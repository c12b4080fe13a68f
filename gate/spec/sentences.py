"""What a validation says to a person."""

from typing import assert_never

from gate.spec.spec import AttributeIs, Call, Happens, NoErrors, Rows, Validation

_ATTRIBUTES = {
    "http.response.status_code": "answers",
    "rpc.response.status_code": "answers",
    "db.response.status_code": "is answered",
}


def sentence(validation: Validation, system: str = "") -> str:
    """One sentence without a full stop. `system` (`elasticsearch`) names the callee where the statement does not."""
    match validation:
        case Happens():
            return f"{call_text(validation.call, system)} {_happens(validation)}"
        case AttributeIs(call=call, key=key, equals=equals):
            return f"{call_text(call, system)} {_ATTRIBUTES.get(key, f'has {key} =')} {_short(str(equals))}"
        case Rows(call=call, rows=rows):
            return f"{call_text(call, system)} returns {'rows' if rows == 'some' else 'no rows'}"
        case NoErrors(except_=known):
            return "no call fails" + (", except those that fail in the golden traces too" if known else "")
        case _:
            assert_never(validation)


def call_text(call: Call, system: str = "") -> str:
    """`orders: INSERT INTO orders (id) VALUES (?)`, `api: elasticsearch update (POST /traces/_update/{id})`."""
    name, statement = call.operation, call.statement
    if not name or (statement and _first_word(statement) == _first_word(name)):
        text = statement or "any call"
    else:
        text = f"{name} ({_short(statement)})" if statement else name
        if system and system not in text.casefold():
            text = f"{system} {text}"
    return f"{call.service}: {_short(text)}" if call.service else _short(text)


def times_text(number: int) -> str:
    """`never`, `once`, `3 times`."""
    return "never" if number == 0 else "once" if number == 1 else f"{number} times"


def _happens(validation: Happens) -> str:
    least, most = validation.bounds()
    if most == 0:
        return "never happens"
    if most is None:
        return f"happens at least {times_text(least)}" if least else "may happen"
    return f"happens exactly {times_text(least)}" if least == most else f"happens {least} to {most} times"


def _first_word(text: str) -> str:
    return text.partition(" ")[0].casefold()


def _short(text: str, length: int = 160) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 1]}…"
