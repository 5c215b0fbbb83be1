"""The Dutch phrases of each concept."""

from __future__ import annotations

from streams.routing.rules.phrases.listed import Phrases, listed

DUTCH: Phrases = {
    "proof": listed("bewijs* | leid af | weerleg* | tegenvoorbeeld*"),
    "mathematics": listed("""
        de kans dat | waarschijnlijkheid | priemgetal* | verwachtingswaarde | voor alle n
        voor elke n | voor alle x | voor elk geheel | voor alle gehele
    """),
    "faults": listed("oorzaak* | oorzaken | geheugenlek* | knelpunt* | deadlock | optimaliseer*"),
    "systems": listed("zonder downtime | consistentie | gedistribueerd* | beschikbaarheid"),
    "design": listed("ontwerp* | architectuur"),
    "judgement": listed("onderbouw* | risico* | valkuil* | aannames | afhankelijkheden"),
    "analysis": listed("vergelijk* | analyseer* | beoordeel* | voor en nadelen"),
    "steps": listed("stap voor stap"),
    "computation": listed("bereken* | twee keer zo | half zo"),
    "plan": listed("stel een"),
    "explanation": listed("waarom | leg uit"),
    "prose": listed("schrijf een"),
    "manner": listed("""
        beleefder | vriendelijker | formeler | letterlijk | woord voor woord | de toon
        eenvoudige taal
        woordspeling* | alle informatie | behoud de
    """),
    "transform": listed("vertaal* | samenvat* | vat samen | herschrijf | herformuleer"),
    "extract": listed("extraheer | classificeer"),
    "brief": listed("ja of nee | één woord"),
    "conditions": listed("elke | minstens | hoogstens | precies | zonder | moet"),
    "lookup": listed("hoe kan ik | waar is | hoe lang duurt | kan ik | waarom is mijn"),
    "service": listed("bestelling | factuur | pakket | wachtwoord | abonnement"),
    "greeting": listed("bedankt | goedemorgen | goedemiddag"),
    "personal": listed("ik heb | ik wil | mijn"),
    "papers": listed("""
        mijn identiteit | uw identiteit | je identiteit | identiteitskaart
        identiteitsbewijs* | ik het was | ik het ben | wie ik ben | mijn leeftijd
        mijn adres | mijn inkomen | ik betaald | aankoopbewijs | van mij is
    """),
}
