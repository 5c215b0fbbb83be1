"""Token estimate without a tokenizer.

Four characters of English are a token (OpenAI's rule of thumb). Other scripts take more: two
characters where UTF-8 needs two bytes for each (Cyrillic, Greek, Arabic, accented Latin), one where
it needs three (Chinese, Japanese, Korean, Thai, Devanagari, typographic quotes); an emoji is two
tokens. Tokenizers differ by half. The estimate errs on the high side, so a text that fits by the
estimate fits.
"""

from __future__ import annotations

CHARACTERS_PER_TOKEN = 4
"""Of English text."""


def text_tokens(text: str) -> int:
    """Estimate the tokens of a text by the width of its characters in UTF-8; takes microseconds."""
    size = len(text)
    if text.isascii():
        return size // CHARACTERS_PER_TOKEN
    one = len(text.encode("ascii", "ignore"))
    four = len(text.encode("utf-16-le", "surrogatepass")) // 2 - size
    others = size - one - four
    three = len(text.encode("utf-8", "surrogatepass")) - one - 4 * four - 2 * others
    two = others - three
    quarters = one + 2 * two + 4 * three + 8 * four
    return quarters // 4
