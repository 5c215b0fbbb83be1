"""Texts of default answers, by the language of the prompt.

Each language has sentences for the beginning, the middle and the end of an answer. They have no
content, in words typical of that language, so that the check of an answer's language passes.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.routing.confidence.language import language_of

Sentences = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

_ENGLISH: Sentences = (
    (
        "Here is a short answer.",
        "In brief:",
        "This is what can be said about it.",
        "A first answer to that:",
    ),
    (
        "The request was understood and every part of it was considered in turn.",
        "There are two sides to it, and the simpler of them is usually enough.",
        "It depends on the details given, which point in one direction.",
        "The main point comes first, the rest follows from it.",
    ),
    (
        "That is all that is needed.",
        "Nothing else follows from it.",
        "More detail is on request.",
    ),
)

_TEXTS: Mapping[str, Sentences] = {
    "en": _ENGLISH,
    "de": (
        ("Das ist die kurze Antwort auf die Frage.", "Dazu kann man Folgendes sagen."),
        (
            "Es gibt zwei Seiten, und die einfache ist für die meisten Fälle auch die richtige.",
            "Der wichtigste Punkt ist zuerst genannt, und der Rest wird aus ihm abgeleitet.",
        ),
        ("Mehr ist für den Anfang nicht nötig.", "Das ist alles, was nach den Angaben sicher ist."),
    ),
    "fr": (
        ("Voici une réponse courte à votre question.", "Voici ce que l'on peut dire sur ce sujet."),
        (
            "Il y a deux côtés dans cette affaire, et le plus simple est souvent suffisant.",
            "Le point principal est le premier, et les autres ne sont que des conséquences.",
        ),
        ("Ce sont les éléments qui sont sûrs.", "Plus de détails sont possibles sur demande."),
    ),
    "es": (
        ("Esta es una respuesta corta para su pregunta.", "Se puede decir lo siguiente."),
        (
            "Hay dos lados en el asunto, y el más simple es en general suficiente para usted.",
            "El punto principal es el primero, y los demás son una consecuencia de este.",
        ),
        ("Eso es todo lo que se necesita.", "Los detalles están a su disposición."),
    ),
    "it": (
        ("Questa è una risposta breve alla domanda.", "Si può dire questo di più."),
        (
            "Ci sono due lati della questione, e il più semplice è di solito sufficiente.",
            "Il punto più importante è il primo, e gli altri sono una conseguenza di questo.",
        ),
        ("Non è necessario altro per il momento.", "I dettagli sono a disposizione."),
    ),
    "pt": (
        ("Esta é uma resposta curta para a sua pergunta.", "Pode-se dizer o seguinte."),
        (
            "Há dois lados na questão, e o mais simples é em geral suficiente para você.",
            "O ponto principal é o primeiro, e os outros são uma consequência dele.",
        ),
        ("Isso é tudo o que se precisa.", "Mais detalhes estão à sua disposição."),
    ),
    "nl": (
        ("Dit is het korte antwoord op de vraag.", "Dat is wat er over te zeggen is."),
        (
            "Er zijn twee kanten aan de zaak, en de eenvoudige is voor de meesten ook de goede.",
            "Het belangrijkste punt is het eerste, en de rest wordt daar van afgeleid.",
        ),
        ("Meer is er niet nodig.", "De details zijn op aanvraag."),
    ),
    "pl": (
        ("To jest krótka odpowiedź na pytanie.", "Oto co można o tym powiedzieć."),
        (
            "Sprawa ma dwie strony i ta prostsza jest zwykle dobra dla większości.",
            "Najważniejszy punkt jest na początku, a reszta z niego wynika i nie jest nowa.",
        ),
        ("To jest wszystko, co jest potrzebne.", "Szczegóły są dostępne na życzenie."),
    ),
    "sv": (
        ("Det är ett kort svar på frågan.", "Det här är vad som kan sägas om det."),
        (
            "Det finns två sidor av saken, och den enkla är för det mesta också den rätta.",
            "Den viktigaste punkten är den första, och det andra är en följd av den.",
        ),
        ("Mer är inte nödvändigt för att svara.", "Fler detaljer kan ges till den som vill."),
    ),
    "cyrillic": (
        ("Вот короткий ответ на вопрос.", "Об этом можно сказать следующее."),
        (
            "У вопроса две стороны, и более простой обычно достаточно.",
            "Главное названо первым, остальное следует из него.",
        ),
        ("Больше ничего не требуется.", "Подробности по запросу."),
    ),
    "greek": (
        ("Αυτή είναι μια σύντομη απάντηση.",),
        ("Το θέμα έχει δύο πλευρές και η απλή συνήθως αρκεί.",),
        ("Δεν χρειάζεται τίποτε άλλο.",),
    ),
    "hebrew": (
        ("זו תשובה קצרה לשאלה.",),
        ("לעניין יש שני צדדים והפשוט בדרך כלל מספיק.",),
        ("אין צורך ביותר.",),
    ),
    "arabic": (
        ("هذه إجابة قصيرة عن السؤال.",),
        ("للأمر جانبان والأبسط منهما يكفي عادة.",),
        ("لا حاجة إلى أكثر من ذلك.",),
    ),
    "devanagari": (
        ("यह प्रश्न का एक छोटा उत्तर है।",),
        ("इस विषय के दो पक्ष हैं और सरल पक्ष प्रायः पर्याप्त होता है।",),
        ("इससे अधिक की आवश्यकता नहीं है।",),
    ),
    "thai": (
        ("นี่คือคำตอบสั้น ๆ ของคำถาม",),
        ("เรื่องนี้มีสองด้าน และด้านที่ง่ายกว่ามักเพียงพอ",),
        ("ไม่จำเป็นต้องมีมากกว่านี้",),
    ),
    "korean": (
        ("질문에 대한 짧은 답변입니다.",),
        ("이 문제에는 두 가지 면이 있으며 보통 더 간단한 쪽으로 충분합니다.",),
        ("더 필요한 것은 없습니다.",),
    ),
    "japanese": (
        ("ご質問への短い答えです。",),
        ("この件には二つの面があり、たいていは簡単な方で十分です。",),
        ("これ以上は必要ありません。",),
    ),
    "han": (
        ("这是对问题的简短回答。",),
        ("这件事有两个方面，通常较简单的一面就足够了。",),
        ("除此之外不需要其他内容。",),
    ),
}


def sentences_for(prompt: str) -> Sentences:
    """Return sentences in the prompt's language; English if it is unclear or unknown."""
    language = language_of(prompt)
    return _TEXTS.get(language or "en", _ENGLISH)
