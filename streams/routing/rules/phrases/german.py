"""The German phrases of each concept."""

from __future__ import annotations

from streams.routing.rules.phrases.listed import Phrases, listed

GERMAN: Phrases = {
    "proof": listed("""
        beweis* | leite her | herleit* | herzuleiten | zeige, dass | zeigen sie, dass | zeige:
        zeige dass
        widerleg* | gegenbeispiel* | vollständige induktion | lemma
    """),
    "mathematics": listed("""
        wahrscheinlich* | varianz | primzahl* | polynom* | erwartungswert* | integral*
        ableitung* | gleichungssystem* | differentialgleichung* | eigenwert* | matrix
        konvergiert | konvergenz | laufzeitkomplexität | vektor* | dreieck* | ganze zahl*
        ganzzahlig* | funktionen f | zeitkomplexität | wie viele möglichkeiten
        kombinatori* | grenzwert* | auf wie viele arten | irrational* | teilbar
        standardabweichung | für alle n | für jedes n | für alle x | für alle natürlichen
        für alle reellen | für alle ganzen | für alle positiven | für jede natürliche
    """),
    "puzzle": listed("""
        lügt immer | lügen immer | lügner* | sagt immer die wahrheit | sagen immer die wahrheit
        gewinnstrategie | beste strategie | gefangene* | rätsel | genau einer von | wiegevorgäng*
        nash gleichgewicht* | wägung*
    """),
    "faults": listed("""
        fehlersuche | ursache* | verklemm* | deadlock* | nebenläufig* | optimier* | engpass*
        wettlaufsituation* | speicherleck* | absturz | stürzt ab | sporadisch* | refaktor*
        sicherheitslücke* | schwachstelle* | unter last | hängt sich auf
    """),
    "systems": listed("""
        verfügbarkeit | ausfall* | ausfäll* | konsisten* | replikation* | verteilte* | skalier*
        ausfallsicher*
        ohne ausfallzeit | notfallwiederherstellung | idempoten* | durchsatz | latenz*
        partition*
        warteschlange* | genau einmal | sperrfrei*
    """),
    "design": listed("""
        entwirf | entwerf* | architektur* | entwurf* | abwägung* | abzuwägen | konzipier*
        migrationsplan | migrationsstrategie | datenmodell*
    """),
    "judgement": listed("""
        begründ* | annahmen | risik* | abhängigkeiten | notfallplan | szenari* | sensitivität*
        für und wider | wirksam | fallstrick* | widersprech* | widerspruch* | garanti* | belege
        kausal* | störvariable* | schlussfolger* | folgen für | auswirkung* | grenzfälle
        randfälle
    """),
    "analysis": listed("""
        vergleich* | analysier* | analyse | bewerte* | beurteil* | abwäge* | unterschiede
        nachteil* | empfiehl | einordn* | diskutier* | kritisier* | strategie* | prognos*
        schätze ab | interpretier* | argument*
    """),
    "steps": listed("""
        schritt für schritt | mit rechenweg | der reihe nach | schrittweise
        zeige den rechenweg | zeig den rechenweg | mit begründung | lösungsweg
    """),
    "computation": listed("""
        berechne* | löse | ermittle* | bestimme*
        doppelt so | halb so | mal so viel* | mal so alt | so alt wie
    """),
    "expertise": listed("""
        barwert* | kapitalwert* | steuer* | klausel* | haftung* | haftet | agb | vertrag*
        verträg* | diagnose* | dosierung | wechselwirkung* | kontraindikation* | symptom*
        quanten* | entropie | relativität* | neutronenstern* | enzym* | protein* | liquidität*
        zinssatz* | absicher* | urheberrecht* | datenschutz* | dsgvo | kündigungsschutz
        thermodynami* | halbleiter* | genom* | insolvenz*
    """),
    "software": listed("""
        datenbank* | algorithm* | programmier* | betriebssystem* | schnittstelle* | bibliothek*
        neuronale*
    """),
    "depth": listed("""
        ausführlich* | detailliert* | umfassend* | tiefgehend* | gründlich* | effizient*
        optimal*
        produktionsreif*
    """),
    "plan": listed("""
        plane eine* | plane die | zeitplan* | ablaufplan* | fahrplan für | reiseplan* | wochenplan
    """),
    "explanation": listed("""
        erklär* | warum | wieso | weshalb | wie funktioniert | unterschied
    """),
    "prose": listed("""
        verfasse | formulier* | gedicht* | kurzgeschichte | aufsatz | rede für | sonett
        einen roman
        anschreiben
    """),
    "manner": listed("""
        sinngemäß | nicht wörtlich | nicht wort für wort | den ton | tonfall | höflicher
        freundlicher
        förmlicher | formeller | netter | der sinn | den sinn | in einfacher sprache
        in leichter sprache
        redewendung* | wortspiel* | diplomatisch* | alle angaben | alle informationen
        nichts weglassen
        natürlich klingen* | platzhalter
    """),
    "transform": listed("""
        übersetz* | fasse | zusammenfass* | korrigier* | schreibe um | umschreib* | umformulier*
        formuliere | kürze
    """),
    "extract": listed("""
        ordne zu | extrahier* | klassifizier* | formatier* | welche kategorie
        ist diese bewertung | nenne mir den | alphabetisch
    """),
    "brief": listed("""
        nur das wort | ja oder nein | ein wort | in einem satz | antworte nur | nur den namen
        nur die zahl | nur die nummer | nenne nur
        stichwort
    """),
    "makes": listed("""
        schreib | schreibe | implementier* | programmiere | erstelle | baue | entwickle
    """),
    "code": listed("""
        funktion | skript | programm | algorithmus | abfrage | klasse | parser | code für
        code zum | code, der | code der | code in | den code | einen code | quellcode
        quelltext | spiel
    """),
    "conditions": listed("""
        wenn | jede* | genau | höchstens | mindestens | ohne | muss | müssen
    """),
    "lookup": listed("""
        wie kann ich | wie lange | wie viel | wie viele | wo finde ich | wo ist | wann
        kann ich | was kostet | wie komme ich | wie ändere ich | wie lösche ich | wie kündige ich
        soll ich
        welche farbe | was heißt | wie heißt | warum ist mein* | warum wurde mein*
        warum kommt mein* | warum funktioniert mein*
    """),
    "service": listed("""
        bestellung* | rechnung* | paket | lieferung | passwort | konto | karte | rückerstattung
        rückgabe | öffnungszeiten | abonnement | überweisung* | gutschein* | kundennummer
        versand
        termin | buchung
    """),
    "papers": listed("""
        ausweis* | adresse nachweis* | kaufbeleg | kaufnachweis | altersnachweis
        meine identität | ihre identität | deine identität | seine identität
        identitätsnachweis* | identitätskarte | identitätsprüfung | identitätsdiebstahl
        personalausweis* | ich es war | ich es bin | ich das war | ich das bin | wer ich bin
        mein alter | meinen wohnsitz | meine adresse | meine anschrift | ich bezahlt
        ich gezahlt | ich dort wohne | mir gehört | mein einkommen
    """),
    "greeting": listed("""
        hallo | danke | guten tag | guten morgen | vielen dank
    """),
    "personal": listed("ich | mein* | bitte | wir | unser*"),
    "hands": listed("gib mir | zeig mir | ich brauche"),
    "access": listed("""
        *tür | türen | *eingang | eingangstür | tor | garage
        garagentor | alarmanlage | tresor | schließfach | schloss | fahrradschloss | gebäude
        wlan | parkhaus | schranke | aufzug | keller | treppenhaus | ferienwohnung | wohnung
        *rabatt | aktion | postleitzahl | land | ländervorwahl | vorwahl
        kleiderordnung | einladung
    """),
}
