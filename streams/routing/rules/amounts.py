"""Word problems: quantities in digits and in words, and the question for an amount.

A word problem is recognized by its quantities and by what it asks for, whatever it is about. Its
difficulty then grows with its length alone: the number of its quantities and words such as
"calculate" say no more on public sets.
"""

from __future__ import annotations

import re
from math import ceil

from streams.routing.rules.phrases.listed import listed

NUMBER_WORDS, AMOUNT = "number words", "amount"

AMOUNT_PHRASES: tuple[str, ...] = listed("""
    how many | how much | how old | how long | how far | how tall | in total | altogether
    what percent* | what fraction | what is the total | what's the total | the total number
    how fast | how heavy | what was the total | find the total | the difference in
    wie viele | wie viel | wieviel | wieviele | wie alt | wie weit | insgesamt | wie lange
    combien | au total | quel âge | cuántos | cuántas | cuánto | cuánta | en total | qué edad
    quanti | quante | quanto | quanta | in totale | quantos | quantas | no total | ao todo
    que idade | hoeveel | hoe oud | in totaal | ile | w sumie | łącznie | hur många | hur mycket
    hur gammal | totalt | сколько | всего | kaç | toplam | ne kadar
    多少 | 一共 | 总共 | 共有 | 几个 | 几天 | 几岁 | いくつ
    何個 | 何人 | 何枚 | 何歳 | 合計 | 全部で
    몇 | 얼마 | 모두 | كم | المجموع | कितने | कितनी | कितना | कुल
""")
"""Questions for an amount, in all languages."""

NUMBER_PHRASES: tuple[str, ...] = listed("""
    two | three | four | five | six | seven | eight | nine | ten | eleven | twelve | fifteen
    sixteen | twenty | thirty | forty | fifty | sixty | hundred | thousand | dozen | half
    one half | one third | two thirds | one fourth | three fourths | one fifth | quarter | quarters
    twice | double | triple | doubled | tripled | halved | thirds
    zwei | drei | vier | fünf | sechs | sieben | acht | neun | zehn | zwölf | zwanzig
    dreißig | hundert | dutzend | hälfte | halb | drittel | viertel | doppelt | dreimal | zweimal
    deux | trois | quatre | cinq | huit | neuf | dix | onze | douze | vingt | trente
    douzaine | moitié | tiers | quart | double de | fois plus
    dos | tres | cuatro | cinco | seis | siete | ocho | nueve | diez | doce | veinte
    treinta | cien | docena | mitad | tercio | cuarto | el doble | el triple
    tre | quattro | cinque | sette | otto | nove | dieci | dodici | venti | trenta
    cento | dozzina | metà | terzo | il doppio | il triplo
    dois | duas | três | quatro | sete | oito | dez | onze | doze | vinte | trinta | cem | dúzia
    metade | terço | o dobro | o triplo
    twee | drie | vijf | zes | zeven | tien | twaalf | twintig | helft | derde | dubbel
    dwa | dwie | trzy | cztery | pięć | sześć | siedem | osiem | dziesięć | połowa | połowę
    två | fyra | fem | sju | åtta | nio | tio | tolv | tjugo | hälften | dubbelt
    два | две | три | четыре | пять | шесть | семь | восемь | десять | двадцать | половина
    половину | вдвое | втрое
    iki | üç | dört | beş | altı | yedi | sekiz | dokuz | yarısı | katı
    两个 | 三个 | 四个 | 五个 | 六个 | 七个 | 八个 | 九个 | 十个 | 一半 | 两倍
    三倍 | 三分之 | 四分之
    二倍 | 三倍 | 半分 | 二つ | 三つ | 四つ | 五つ | 六つ | 十個
    두 배 | 절반 | 다섯 | 여섯 | 일곱 | 여덟 | 아홉
    نصف | ضعف | ثلث | ربع | ثلاثة | أربعة | خمسة | ثلاث | أربع | خمس
    ستة | سبعة | ثمانية | تسعة | عشرة
    दो | तीन | चार | पाँच | पांच | छह | सात | आठ | नौ | दस | आधा | आधे | दोगुना | तिगुना
""")
"""Small numbers and simple shares in words; "one" is an article in many languages."""

_NUMBER = re.compile(r"[0-9][0-9.,:/]*[a-z]{0,2}")
_DIGITS = "1234567890"
_YEAR = re.compile(r"(?:1[5-9]|20)[0-9][0-9]s?[.,]?")
_NO_QUANTITIES = ("st", "nd", "rd", "th", "am", "pm")

_FEW_QUANTITIES = 2
"""Quantities from which a question is arithmetic."""

_MANY_PERSONAL_QUANTITIES = 3
"""The same in a personal story, an order or a card."""

_TEXT_A_QUANTITY = 120
"""Latin characters a quantity of a word problem, at most: stories contain numbers as well."""

_NUMBERED_ANYHOW = 1_500
"""Latin characters from which any text contains numbers."""


def is_word_problem(text: str, size: float, *, words: int, personal: bool) -> bool:
    """Return whether a plain text of `size` Latin characters that asks for an amount is a word
    problem: its quantities, in digits and in `words`, are many for its length.
    """
    least = _MANY_PERSONAL_QUANTITIES if personal else _FEW_QUANTITIES
    needed = max(least, size / _TEXT_A_QUANTITY)
    return size < _NUMBERED_ANYHOW and words + _quantities(text, ceil(needed)) >= needed


def is_arithmetic(text: str, size: float, *, personal: bool) -> bool:
    """Return whether a plain text of `size` Latin characters has quantities to reckon with."""
    needed = _MANY_PERSONAL_QUANTITIES if personal else _FEW_QUANTITIES
    return size < _NUMBERED_ANYHOW and _quantities(text, needed) >= needed


def _quantities(text: str, most: int) -> int:
    """Count numbers other than years, days or hours, up to `most`."""
    if not any(digit in text for digit in _DIGITS):
        return 0
    found = 0
    for number in _NUMBER.finditer(text):
        digits = number[0]
        if not (digits.endswith(_NO_QUANTITIES) or _YEAR.fullmatch(digits)):
            found += 1
            if found == most:
                break
    return found
