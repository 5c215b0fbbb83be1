"""The Swedish phrases of each concept."""

from __future__ import annotations

from streams.routing.rules.phrases.listed import Phrases, listed

SWEDISH: Phrases = {
    "proof": listed("bevisa* | härled* | motexempel"),
    "mathematics": listed("""
        sannolikhet* | primtal | ekvation* | väntevärde* | för alla n | för varje n
        för alla x | för alla heltal | för varje heltal
    """),
    "faults": listed("felsök* | grundorsak* | minnesläcka | flaskhals*"),
    "systems": listed("hög tillgänglighet | distribuerad* | replikering"),
    "design": listed("arkitektur | utforma | designa | konstruera"),
    "judgement": listed("motivera | risker | antaganden | beroenden"),
    "analysis": listed("jämför* | analysera* | bedöm* | för och nackdelar"),
    "steps": listed("steg för steg"),
    "computation": listed("beräkna* | dubbelt så | hälften så"),
    "plan": listed("planera"),
    "explanation": listed("varför | förklara*"),
    "prose": listed("skriv en"),
    "manner": listed("""
        artigare | vänligare | ordagrant | ord för ord | enkelt språk | lättläst* | ordlek*
        all information | behåll
    """),
    "transform": listed("översätt* | sammanfatta* | skriv om | omformulera"),
    "extract": listed("extrahera | klassificera"),
    "brief": listed("ja eller nej | ett ord"),
    "conditions": listed("varje | minst | utan | måste"),
    "lookup": listed("hur kan jag | var är | kan jag | hur lång tid"),
    "service": listed("beställning | faktura | paket | lösenord | prenumeration"),
    "greeting": listed("hej | tack"),
    "personal": listed("jag"),
    "papers": listed("""
        min identitet | din identitet | identitetskort | id kort | det var jag | det är jag
        vem jag är | min ålder | min adress | jag betalat | jag har betalat
    """),
}
