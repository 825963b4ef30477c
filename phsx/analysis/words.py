"""Words and numbers on a plot: short enough, and told apart."""

from __future__ import annotations

from collections.abc import Sequence

ELLIPSIS = "…"


def shorten(text: str, limit: int) -> str:
    """Cut the middle of a text that has more than `limit` characters.

    >>> shorten("hidden_layer_activation", 12)
    'hidden…ation'
    """
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    tail = (limit - 1) // 2
    return line[: limit - 1 - tail] + ELLIPSIS + line[len(line) - tail :]


def wrap(text: str, width: int, lines: int = 3) -> str:
    """Break a name into at most `lines` lines of at most `width` characters, best after `_`.

    >>> print(wrap("hidden_layer_activation", 13))
    hidden_layer_
    activation
    >>> print(wrap("regularization_strength_of_layer_5", 12, lines=2))
    regula…tion_
    streng…yer_5
    """
    pieces = text.replace("_", "_\0").replace(" ", " \0").split("\0")
    rows = [""]
    for piece in pieces:
        if rows[-1] and len(rows[-1] + piece.rstrip()) > width:
            rows.append("")
        rows[-1] += piece
    if len(rows) > lines:
        rows[lines - 1 :] = ["".join(rows[lines - 1 :])]
    return "\n".join(shorten(row, width) for row in rows)


def number(value: float, digits: int = 6) -> str:
    """Write a number with few characters.

    >>> [number(v) for v in (0.1 + 0.2, 1e-4, 12000.0, -3.0, 1e6, -0.0)]
    ['0.3', '1e−4', '12000', '−3', '1e6', '0']
    """
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.{digits}g}".replace("-", "−")
    mantissa, exponent = f"{value:.{max(1, digits - 3)}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def tick_labels(values: Sequence[float]) -> list[str]:
    """Write numbers with as many digits as it takes to tell them apart.

    >>> tick_labels([0.0, 0.5]), tick_labels([1234567.0, 1234568.0])
    (['0', '0.5'], ['1.234567e6', '1.234568e6'])
    """
    for digits in range(6, 17):
        labels = [number(value, digits) for value in values]
        if len(set(labels)) == len(values):
            break
    return labels


def choice_labels(choices: Sequence[object], limit: int = 24, lines: int = 1) -> list[str]:
    """Write choices in lines of `limit` characters, so that no two look the same.

    They would where one is `1` and one `"1"`, or where long ones differ in their middle.

    >>> choice_labels(["relu", "tanh", None, (64, 32)])
    ['relu', 'tanh', 'None', '(64, 32)']
    >>> choice_labels([1, "1", ""])
    ['1', "'1'", "''"]
    """
    plain = [choice if isinstance(choice, str) and choice else repr(choice) for choice in choices]
    unlike = [
        text if plain.count(text) == 1 else repr(choice)
        for text, choice in zip(plain, choices, strict=True)
    ]
    short = [wrap(text, limit, lines) for text in unlike]
    return [
        text if short.count(text) == 1 else f"{text[: limit - 3]} #{i + 1}"
        for i, text in enumerate(short)
    ]
