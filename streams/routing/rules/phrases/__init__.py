"""Phrases of each concept, one file a language.

Phrases are lower case, with single spaces and no hyphens. `prov*` is any word with this beginning.
Languages without spaces between words match anywhere; Arabic matches from within a word.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.routing.rules.phrases.arabic import ARABIC
from streams.routing.rules.phrases.chinese import CHINESE
from streams.routing.rules.phrases.dutch import DUTCH
from streams.routing.rules.phrases.english import ENGLISH
from streams.routing.rules.phrases.french import FRENCH
from streams.routing.rules.phrases.german import GERMAN
from streams.routing.rules.phrases.hindi import HINDI
from streams.routing.rules.phrases.italian import ITALIAN
from streams.routing.rules.phrases.japanese import JAPANESE
from streams.routing.rules.phrases.korean import KOREAN
from streams.routing.rules.phrases.listed import Phrases
from streams.routing.rules.phrases.polish import POLISH
from streams.routing.rules.phrases.portuguese import PORTUGUESE
from streams.routing.rules.phrases.russian import RUSSIAN
from streams.routing.rules.phrases.spanish import SPANISH
from streams.routing.rules.phrases.swedish import SWEDISH
from streams.routing.rules.phrases.turkish import TURKISH

PHRASES: Mapping[str, Phrases] = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "it": ITALIAN,
    "pt": PORTUGUESE,
    "nl": DUTCH,
    "pl": POLISH,
    "sv": SWEDISH,
    "ru": RUSSIAN,
    "tr": TURKISH,
    "zh": CHINESE,
    "ja": JAPANESE,
    "ko": KOREAN,
    "ar": ARABIC,
    "hi": HINDI,
}
"""Phrases by language and concept; of a phrase that two languages share, the first counts."""
