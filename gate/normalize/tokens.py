"""Which piece of a name is an identifier, and which is a word, a version or an enumeration.

A piece is what stands between separators (`-`, `_`, `.`, `:` …). The rules are ordered from certain (a UUID, a date) to
likely (letters that no language puts side by side). What is not clearly an identifier stays as it is: a hidden
status code or version costs a missed regression, a kept identifier only costs what the learned wildcards find later.
"""

import re
from functools import lru_cache
from itertools import pairwise

ID = "{id}"
DATE = "{date}"
EMAIL = "{email}"
TOKEN = "{token}"
HOST = "{host}"

EMAIL_PATTERN = re.compile(r"(?<![\w.+\-%{}])[\w.+\-%]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62}\.)+[A-Za-z]{2,24}(?![\w@])")
UUID_PATTERN = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
CUT_UUID_PATTERN = re.compile(
    r"(?<![0-9A-Za-z])(?=[A-Fa-f\-]*\d)[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{0,4}|(?:[0-9A-Fa-f]{4}-){1,3}[0-9A-Fa-f]{0,12})$"
)
"""A UUID whose end is missing: exporters cut names, at 50 characters for instance."""
JWT_PATTERN = re.compile(r"(?<![\w\-])eyJ[\w\-]{8,}(?:\.[\w\-]+){0,2}\.?(?![\w\-])")
DATE_PATTERN = re.compile(
    r"(?<![0-9A-Za-z])(?:19|20)\d\d([-_./])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])"
    r"(?:[T _-]\d\d[:.\-]?\d\d(?:[:.\-]?\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![0-9A-Za-z])"
)
COMPACT_DATE_PATTERN = re.compile(
    r"(?<![0-9A-Za-z])20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:T?\d{4}(?:\d\d)?Z?)?(?![0-9A-Za-z])"
)
HOST_PATTERN = re.compile(r"(?<![\w.\-])(?:\d{1,3}(?:\.\d{1,3}){3}|localhost)(?::\d{1,5})?(?![\w.])")
NAMED_PATTERN = re.compile(
    r"(?i:(?<!\w)iso-8859-\d{1,2}(?!\d))|(?<![\w])(?:us|eu|ap|sa|ca|me|af|il|cn)(?:-gov)?-(?:north|south|east|west|central)(?:east|west)?-?\d(?!\d)"
)
VERSION_PATTERN = re.compile(
    r"(?<![0-9A-Za-z.])(?:[vV]\d{1,4}(?:[._]\d{1,4}){0,3}(?:\.?(?:alpha|beta|rc|preview|p)\d{0,3}){0,2}|\d{1,3}(?:\.\d{1,3}){1,2})(?![0-9A-Za-z])"
)

_SEPARATOR = re.compile(r"([\-_.~:,;=+@!&'#|\s])")
_MIXED = re.compile(r"[A-Za-z]+|\d+")
_HEX = re.compile(r"[0-9a-fA-F]+")
_WORD_THEN_NUMBER = re.compile(r"([A-Za-z]+)(\d+)")
_NUMBER_THEN_LETTERS = re.compile(r"(\d+)[A-Za-z]{1,4}")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_TECHNICAL = re.compile(
    r"(?i)(?:(?:utf|sha|md|aes|rsa|iso|rfc|base|win|u?int|float|bf|fp|mp|ipv|oauth|http|tls|ssl|status|error|code|err|cp|gpt|arm|amd|"
    r"log|neo|web|layer|level|step|phase|part|stage|tier|ver|version|api|v)\d{1,4}|s3|ec2|k8|k8s|p2p|b2[bcg]|c2c|e2e|m2m|h2|"
    r"i18n|l10n|a11y|y2k|d3|x86|x64|x509|[xh]26[45]|p256|s390|2fa|3ds?|4xx|5xx|geo3d|view2d|log4j2?|neo4j)"
)
"""Words with a number that name a technology, a format or a status."""
_ENUMERATED = frozenset(
    "utf iso sha md rfc http https tls ssl status error code err base step phase level part stage tier v ver version oauth "
    "web ipv layer covid top python java node php ruby postgres mysql redis es api gen top windows "
    "state type kind mode priority severity grade reason".split()
)
_CODED = frozenset(
    "code codes error errors err errno fault faults exception exceptions reason reasons errorcode statuscode".split()
)
"""What comes after names one of a closed list, however long its number is: `/errors/code/E1001`."""
_CATALOGUED = frozenset("iso rfc mcc sic naics cwe icd bcp pep jsr hs".split())
"""Public catalogues: a number after their name is one of their entries."""
_VALUED = frozenset("type kind mode level severity priority phase stage tier grade version ver rule lint check".split())
"""In the singular, the name of a property: a short number after it is its value, no identifier."""
_CODE = re.compile(r"[A-Za-z]{1,12}(?:[-_][A-Za-z]{1,12}){0,4}[-_]?\d{1,5}[A-Za-z]?")
_CONSTANT = re.compile(r"[A-Z]{2,16}(?:_[A-Z]{2,16})+_[1-5]\d\d")
"""`NOT_FOUND_404`: a constant's name that ends in a status."""
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_UNUSUAL = {
    first: frozenset(seconds)
    for first, seconds in (
        pair.split(":")
        for pair in (
            "a:joq b:ghkqvwxz c:jqwxz d:qwxz e:z f:hjkqvwxz g:bdjkqvwxz h:bcfghjkqvwxz i:hjuwy j:bcdfghijklmnpqrtvxyz "
            "k:bcfhjkmpqvxyz l:hjqwxz m:fghjnqrvwxz n:qwxz o:jq p:jqvxz q:abcdefghijkmnopqrstvwxyz r:hjqxz s:jxz t:jkqx "
            "u:hjkquvwyz v:bdfghjklmnpqrtuvwxyz w:bcfgjmpquvwxyz x:gjknqruvwyz y:bghjkqruvxz z:bcdfghjklmnpqrstuvwxyz"
        ).split()
    )
}
"""Second letters that follow a first one in fewer than 10 of 13,000 words of program source."""


def unusual_pairs(letters: str) -> int:
    """How many neighbouring letters (lower case) hardly any word has: 2 of 7 in random text, none in nearly every word."""
    return sum(second in _UNUSUAL.get(first, ()) for first, second in pairwise(letters))


@lru_cache(maxsize=16_384)
def is_random(piece: str, value: bool = False) -> bool:
    """Whether a piece (letters and digits, no separator) is generated rather than written.

    `value` says that the piece stands where values are expected (a URL path), not names: then fewer signs are enough.
    """
    if not piece.isascii() or not piece.isalnum() or len(piece) < 6:
        return False
    runs = _MIXED.findall(piece)
    digits = sum(character.isdigit() for character in piece)
    letters = len(piece) - digits
    if not digits:
        return value and _is_gibberish(piece)
    if not letters:
        return False
    if _HEX.fullmatch(piece) and len(piece) >= 7 and digits >= 2 and (piece.islower() or piece.isupper()):
        return True
    if _is_written(runs, value):
        return False
    unusual = sum(unusual_pairs(run.lower()) for run in runs)
    match len(runs) - 1:
        case 1 if value and len(piece) == 8 and runs[0].isdigit():
            return True
        case 1:
            return len(piece) >= 8 and (unusual >= 2 or (unusual == 1 and 4 <= letters > digits and not piece[0].isupper()))
        case 2:
            return len(piece) >= 8
        case _:
            return True


@lru_cache(maxsize=16_384)
def is_enumerated(text: str, before: str) -> bool:
    """Whether a text is one of a closed list, by its own form (`NOT_FOUND_404`) or by the word before it (`errors`, `code`)."""
    if _CONSTANT.fullmatch(text):
        return True
    words = _WORDS.findall(before)
    word = words[-1].lower() if words else ""
    if word in _CODED:
        return bool(_CODE.fullmatch(text)) or (
            word not in {"errors", "faults", "exceptions"} and text.isdigit() and len(text) <= 5
        )
    if word in _CATALOGUED:
        return text.isdigit() and len(text) <= 6
    if word in _VALUED:
        return (text.isdigit() and len(text) <= 2) or (
            bool(_CODE.fullmatch(text)) and word in {"rule", "lint", "check", "type", "kind"}
        )
    return False


def piece_template(piece: str, previous: str, *, numbers: int, value: bool) -> str:
    """One piece: `{id}` when it is an identifier, `word{id}` for a word with a long number, else itself.

    `numbers` is the shortest run of digits that counts as an identifier, `previous` the piece before (an enumeration's name).
    """
    if piece.isdigit() and piece.isascii():
        if len(piece) < numbers or (len(piece) <= 4 and previous.lower() in _ENUMERATED):
            return piece
        return ID
    if is_enumerated(piece, previous):
        return piece
    if is_random(piece, value):
        return ID
    if (match := _WORD_THEN_NUMBER.fullmatch(piece)) and len(match[2]) >= max(3, numbers) and not _TECHNICAL.fullmatch(piece):
        return match[1] + ID if len(match[1]) >= 3 else ID
    return ID if (match := _NUMBER_THEN_LETTERS.fullmatch(piece)) and len(match[1]) >= 5 else piece


def split_template(text: str, *, numbers: int, value: bool = False) -> str:
    """A text with separators but no blanks that mean something: every piece replaced, versions and regions kept."""
    kept = {match.start(): match.end() for pattern in (VERSION_PATTERN, NAMED_PATTERN) for match in pattern.finditer(text)}
    if not kept:
        return _split(text, numbers, value)
    parts: list[str] = []
    position = 0
    for start, end in sorted(kept.items()):
        if start < position:
            continue
        parts.append(_split(text[position:start], numbers, value))
        parts.append(text[start:end])
        position = end
    parts.append(_split(text[position:], numbers, value))
    return "".join(parts)


def certain_template(text: str) -> str:
    """What needs no judgement, anywhere in a text: tokens, UUIDs (cut ones too), e-mail addresses, dates, IP addresses."""
    if "eyJ" in text:
        text = JWT_PATTERN.sub(TOKEN, text)
    if "@" in text:
        text = EMAIL_PATTERN.sub(EMAIL, text)
    text = UUID_PATTERN.sub(ID, text)
    text = CUT_UUID_PATTERN.sub(ID, text)
    text = DATE_PATTERN.sub(DATE, text)
    text = COMPACT_DATE_PATTERN.sub(DATE, text)
    return HOST_PATTERN.sub(HOST, text)


def _split(text: str, numbers: int, value: bool) -> str:
    pieces = _SEPARATOR.split(text)
    previous = ""
    for index in range(0, len(pieces), 2):
        piece = pieces[index]
        if piece:
            pieces[index] = piece_template(piece, previous, numbers=numbers, value=value)
            previous = piece
    return "".join(pieces)


def _is_gibberish(piece: str) -> bool:
    """Letters that no language puts together: unusual pairs and hardly a vowel (`hangzhou` has vowels, `xkqzvbnw` not)."""
    if len(piece) < 8:
        return False
    words = _CAMEL.findall(piece) if not (piece.islower() or piece.isupper()) else [piece]
    pairs = sum(len(word) - 1 for word in words)
    unusual = sum(unusual_pairs(word.lower()) for word in words)
    vowels = sum(character in "aeiouAEIOU" for character in piece)
    return unusual >= 2 and unusual * 4 >= pairs and vowels * 4 <= len(piece)


def _is_written(runs: list[str], value: bool) -> bool:
    """A technical word alone (`sha256`, `i18n`), before another (`base64decode`, `s3bucket`), or a short number between words."""
    if _TECHNICAL.fullmatch("".join(runs)):
        return True
    if any(unusual_pairs(run.lower()) for run in runs):
        return False
    if len(runs) == 2:
        return runs[0].isalpha() and (not value or len(runs[1]) <= 2)
    if len(runs) != 3 or runs[0].isdigit():
        return False
    head, number, tail = runs
    if _TECHNICAL.fullmatch(head + number):
        return len(tail) >= 3
    shortest = 4 if value else 3
    return len(number) <= 2 and len(head) >= shortest and len(tail) >= shortest
