"""Numeric features of a text: sizes, kinds of characters, kinds of words, nesting.

The features depend on no topic or data set. They measure the length, formality, density and
difficulty of a text, following the article's signals (section 4). The order is part of every
artifact: a change raises `VERSION`.
"""

from __future__ import annotations

import re
import zlib
from math import log1p

import numpy as np
from numpy.typing import NDArray

from streams.routing.learned import style_numbers
from streams.routing.learned.style_numbers import by_word, count_kinds
from streams.routing.learned.tokens import Tokens

VERSION = 2

_SIGNS = "()[]{}<>=+-*/^_\\$%&|!?.,:;'\"`#@~"
_DENSE_SIGNS = "=([,"

_WORD_KINDS: dict[str, tuple[str, ...]] = {
    "condition": ("if", "else", "elif", "unless", "when", "then", "otherwise"),
    "loop": ("for", "while", "range", "each", "every", "all"),
    "function": (
        *("def", "return", "lambda", "class", "function", "import", "assert", "output", "input"),
        "print",
    ),
    "string": (
        *("string", "str", "text", "join", "split", "replace", "upper", "lower", "strip"),
        *("isdigit", "isalpha", "find", "index", "append", "pop", "insert", "sort", "sorted"),
        *("reverse", "len"),
    ),
    "algebra": (
        *("sum", "product", "value", "integer", "integers", "number", "positive", "real"),
        *("equation", "function", "polynomial", "prime", "divisor", "remainder", "modulo", "roots"),
        "root",
    ),
    "geometry": (
        *("triangle", "circle", "angle", "radius", "area", "square", "line", "point", "points"),
        *("plane", "sphere", "parallel", "perpendicular", "length"),
    ),
    "counting": (
        *("many", "ways", "arrangements", "probability", "choose", "random", "different"),
        *("distinct", "possible", "combinations", "permutations", "expected", "total"),
    ),
    "question": ("what", "which", "who", "where", "when", "why", "how"),
    "making": (
        *("write", "explain", "describe", "compare", "design", "implement", "create"),
        *("summarize", "translate", "analyze", "discuss", "list", "give"),
    ),
    "solving": (
        *("prove", "show", "derive", "find", "determine", "compute", "evaluate", "calculate"),
        *("solve", "express", "simplify"),
    ),
    "extreme": (
        *("greatest", "smallest", "largest", "least", "maximum", "minimum", "most", "fewest"),
        *("more", "less", "than", "best"),
    ),
    "logic": (
        *("not", "and", "or", "must", "except", "only", "exactly", "both", "neither", "always"),
        *("never", "true", "false"),
    ),
    "premise": (
        *("given", "suppose", "let", "such", "where", "that", "satisfies", "satisfying", "if"),
        "assume",
    ),
    "time": ("year", "day", "hour", "minutes", "week", "month", "date", "time"),
    "money": (
        *("dollars", "cost", "price", "pay", "percent", "each", "per", "total", "remaining"),
        "left",
    ),
}

_SIZES = (
    *("characters", "words", "lines", "word length", "longest word", "variety of words"),
    *("numbers", "different numbers", "longest number", "share of numbers", "capitals"),
    *("small letters", "digits", "blanks", "other scripts", "indentation", "longest line"),
)
_SHAPES = (
    *("nesting", "compressibility", "entropy", "sentences", "ends in a question", "items"),
    *("repeated words", "commonest word", "length of the last words"),
)
NAMES: tuple[str, ...] = (
    *_SIZES,
    *(f"sign {sign}" for sign in _SIGNS),
    *(f"density of {sign}" for sign in _DENSE_SIGNS),
    *(f"words of {kind}" for kind in _WORD_KINDS),
    *_SHAPES,
    *style_numbers.NAMES,
)
"""Name of each feature."""

_KINDS_OF = by_word(_WORD_KINDS)
_SIGN_CODES = np.frombuffer(_SIGNS.encode(), np.uint8)
_DENSE_CODES = np.frombuffer(_DENSE_SIGNS.encode(), np.uint8)
_DEPTHS = np.zeros(256, np.int64)
_DEPTHS[np.frombuffer(b"([{", np.uint8)] = 1
_DEPTHS[np.frombuffer(b")]}", np.uint8)] = -1
_SENTENCE_END = re.compile(r"[.?!](?:\s|$)")
_ITEM = re.compile(r"^[ \t]*(?:[A-Ea-e1-9][).:]|[-*•])\s", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_LAST_WORDS = 30


def text_numbers(tokens: Tokens) -> NDArray[np.float64]:
    """Return one number for each of `NAMES`."""
    text = tokens.text
    raw = text.encode("utf-8", "replace")
    codes = np.frombuffer(raw, np.uint8)
    counts = np.bincount(codes, minlength=256)
    lengths = np.fromiter(map(len, tokens.words), np.int64, len(tokens.words))
    size = max(len(text), 1)
    sentences = len(_SENTENCE_END.findall(text))
    shares = counts[counts > 0] / size
    return np.concatenate(
        (
            _sizes(tokens, counts, size, lengths),
            np.log1p(counts[_SIGN_CODES]),
            counts[_DENSE_CODES] / size * 100,
            np.log1p(count_kinds(tokens.counts, _KINDS_OF, len(_WORD_KINDS))),
            (
                float(np.cumsum(_DEPTHS[codes]).max(initial=0)),
                len(zlib.compress(raw, 1)) / max(len(raw), 1),
                float(-(shares @ np.log(shares))),
                *_shapes(tokens, sentences),
            ),
            style_numbers.style_numbers(tokens, lengths, sentences),
        )
    )


def _sizes(
    tokens: Tokens, counts: NDArray[np.intp], size: int, lengths: NDArray[np.int64]
) -> tuple[float, ...]:
    words, numbers, lines = tokens.words, tokens.numbers, tokens.text.split("\n")
    many = max(len(words), 1)
    return (
        log1p(tokens.characters),
        log1p(len(words)),
        log1p(len(lines)),
        float(lengths.sum()) / many,
        float(lengths.max(initial=0)),
        len(tokens.counts) / many,
        log1p(len(numbers)),
        log1p(len(set(numbers))),
        max(map(len, numbers), default=0),
        sum(map(len, numbers)) / size,
        float(counts[65:91].sum()) / size,
        float(counts[97:123].sum()) / size,
        float(counts[48:58].sum()) / size,
        float(counts[32]) / size,
        float(counts[128:].sum()) / size,
        max(map(len, _INDENT.findall(tokens.text)), default=0),
        log1p(max(map(len, lines))),
    )


def _shapes(tokens: Tokens, sentences: int) -> tuple[float, ...]:
    words = tokens.words
    last = words[-_LAST_WORDS:]
    commonest = max(tokens.counts.values(), default=0)
    return (
        log1p(sentences),
        float(tokens.text.rstrip().endswith("?")),
        log1p(len(_ITEM.findall(tokens.text))),
        log1p(len(words) - len(tokens.counts)),
        commonest / max(len(words), 1),
        sum(map(len, last)) / max(len(last), 1),
    )
