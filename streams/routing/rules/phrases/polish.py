"""The Polish phrases of each concept."""

from __future__ import annotations

from streams.routing.rules.phrases.listed import Phrases, listed

POLISH: Phrases = {
    "proof": listed("udowodni* | wykaż | wyprowad* | kontrprzykład*"),
    "mathematics": listed("""
        prawdopodobień* | liczb pierwszych | liczby pierwsze | równani* | wariancj*
        dla każdego n | dla wszystkich n | dla każdego x | dla każdej liczby
        dla wszystkich liczb
    """),
    "faults": listed("zakleszcz* | wyścig* | optymaliz* | przyczyn* | wyciek pamięci"),
    "systems": listed("wysoka dostępność | replikac* | spójnoś* | rozproszon* | bez przerwy"),
    "design": listed("zaprojekt* | architektur*"),
    "judgement": listed("uzasadni* | ryzyk* | zależności | plan awaryjny | założe*"),
    "analysis": listed("porówn* | przeanaliz* | oceń | wady i zalety"),
    "steps": listed("krok po kroku"),
    "computation": listed("oblicz* | rozwiąż | dwa razy | trzy razy"),
    "plan": listed("zaplanuj"),
    "explanation": listed("wyjaśni* | dlaczego"),
    "prose": listed("napisz"),
    "manner": listed("""
        uprzejmi* | grzeczni* | dosłownie | słowo w słowo | prostym językiem | grę słów | gra słów
        wszystkie informacje | zachowaj
    """),
    "transform": listed("przetłumacz* | streść | popraw | przeredaguj* | przeformułuj*"),
    "extract": listed("wyciągnij | sklasyfikuj"),
    "brief": listed("tak lub nie | jednym słowem"),
    "conditions": listed("każd* | co najmniej | najwyżej | dokładnie | bez | musi"),
    "lookup": listed(
        "jak mogę | gdzie jest | czy mogę | ile kosztuje | dlaczego mój | dlaczego moja"
    ),
    "service": listed("zamówienie | zamówienia | paczka | hasło | faktur* | zwrot"),
    "greeting": listed("cześć | dziękuję | dzień dobry"),
    "personal": listed("mam | mój | moja | proszę | kupiłam | kupiłem"),
    "papers": listed("""
        moją tożsamość | swoją tożsamość | twoją tożsamość | mojej tożsamości
        swojej tożsamości | dowód osobisty | dowodu osobistego | to byłem ja | to byłam ja
        to ja | kim jestem | mój wiek | mój adres | zapłaciłem | zapłaciłam
    """),
}
