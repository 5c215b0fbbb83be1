"""The Italian phrases of each concept."""

from __future__ import annotations

from streams.routing.rules.phrases.listed import Phrases, listed

ITALIAN: Phrases = {
    "proof": listed("""
        dimostra* | dimostrazione | prova che | deduci | teorema | confuta* | controesempio*
        per induzione | ricava la
    """),
    "mathematics": listed("""
        probabilità | in quanti modi | numeri primi | numero primo | varianza | integrale
        polinomio | valore atteso | equazion* | matrice | converge | derivata | irrazionale
        complessità temporale | vettor* | triangolo | interi | divisibile | autovalor*
        deviazione standard | per ogni n | per ogni x | per ogni intero | per tutti gli n
        per tutti i numeri | per ogni numero | per ogni k
    """),
    "puzzle": listed("""
        mente sempre | mentono sempre | dice sempre la verità | dicono sempre la verità
        strategia vincente | strategia migliore | strategia ottimale | prigionieri | indovinello
        pesate | equilibrio di nash | bugiard*
    """),
    "faults": listed("""
        corsa critica | ottimizza* | causa principale | cause principali | debug | stallo
        perdita di memoria | perdite di memoria | collo di bottiglia | colli di bottiglia
        intermittente | vulnerabilità | sotto carico | si blocca | race condition
    """),
    "systems": listed("""
        alta disponibilità | coerenza | concorren* | replica dei dati | replicazione | distribuit*
        tolleranza ai guasti | senza interruzion* | ripristino | idempoten* | latenza | partizion*
        esattamente una volta | coda di messaggi | consistenza | senza lock
    """),
    "design": listed("""
        progetta* | architettura | piano di migrazione | modello dei dati | modello dati
        compromessi
        strategia di migrazione
    """),
    "judgement": listed("""
        giustifica* | rischi | ipotesi | scenari | vincoli | dipendenze | contraddi*
        contraddizion*
        garanti* | piano di emergenza | prove a favore | implicazioni | conseguenze | casi limite
        causal* | limiti | motiva la | fattori confondenti
    """),
    "analysis": listed("""
        confront* | analizza* | analisi | valuta* | pro e contro | strategia* | discuti
        interpreta | consiglia* | argomenta* | vantaggi e svantaggi
    """),
    "steps": listed("""
        passo per passo | passo dopo passo | passo passo | mostra il ragionamento
        mostra i passaggi
    """),
    "computation": listed("""
        calcola* | risolv* | determina il
        il doppio di | il doppio degli | il triplo di | volte più
    """),
    "expertise": listed("""
        clausola* | clausole | contratto | contratti | responsabilità | imposte | fiscal*
        diagnosi
        dosaggio | controindicazion* | sintom* | quantistic* | entropia | relatività
        stella di neutroni | stelle di neutroni | enzim* | protein* | liquidità
        tasso di interesse
        valore attuale netto | giuridic* | semiconduttor* | genoma
    """),
    "software": listed("""
        database | base di dati | algoritm* | rete neurale | reti neurali
    """),
    "depth": listed("""
        dettagliat* | in dettaglio | approfondit* | esaustiv* | efficiente | ottimale
    """),
    "plan": listed("""
        pianifica* | calendario | itinerario | tabella di marcia
    """),
    "explanation": listed("""
        spiega* | e perché | dimmi perché | qual è la differenza | come funziona
    """),
    "prose": listed("""
        scrivi un | redigi | poesia | racconto | saggio | discorso | sonetto | romanzo
        lettera di presentazione
    """),
    "manner": listed("""
        più gentile | più cortese | più formale | più educat* | parola per parola | non le parole
        mantieni il | mantenendo il | conservando il | il tono | linguaggio semplice | modo di dire
        gioco di parole | ironia | diplomatic* | tutte le informazioni | letteralmente
    """),
    "transform": listed("""
        traduci | riassum* | riscriv* | riformul* | correggi | accorcia
    """),
    "extract": listed("""
        estrai* | classifica | ordine alfabetico | indica solo | quale categoria
        dimmi il nome
    """),
    "brief": listed("""
        sì o no | una parola | una sola parola | in una frase | rispondi solo | solo il nome
        solo il numero
    """),
    "makes": listed("""
        scrivi | implementa | crea | sviluppa | programma
    """),
    "code": listed("""
        funzione | algoritmo | interrogazione | classe | script | query | parser
        codice per | codice che | codice di un | codice di una | il codice | un codice
        codice sorgente | codice in | gioco
    """),
    "conditions": listed("""
        ogni | almeno | al massimo | esattamente | senza | deve | devono
    """),
    "lookup": listed("""
        come posso | dove si trova | dov'è | dove posso | quanto tempo | quanto costa | a che ora
        posso
        come cambio | come annullo | devo | dovrei | perché la mia | perché il mio
        di che colore | come si dice
    """),
    "service": listed("""
        ordine | fattura | pacco | spedizione | consegna | password | conto | carta | rimborso
        reso | orari | abbonamento | bonifico | buono sconto | codice cliente | appuntamento
        prenotazione
    """),
    "papers": listed("""
        documento d'identità | scontrino | prova d'acquisto | mia identità | sua identità
        tua identità | carta d'identità | furto d'identità | ero io | sono io | chi sono
        mia età | mio indirizzo | mia residenza | mio reddito | ho pagato | mi appartiene
        è mio | è mia
    """),
    "greeting": listed("""
        ciao | grazie | buongiorno | buonasera
    """),
    "personal": listed("mio | mia | miei | ho comprato | abbiamo | vorrei | per favore | nostro"),
    "hands": listed("dammi | mostrami | ho bisogno"),
    "access": listed("""
        porta | portone | cancello | garage | allarme | cassaforte | lucchetto | palazzo
        edificio | ingresso | wifi | parcheggio | ascensore | armadietto | appartamento
        sconto | promozionale | promozione | postale | abbigliamento | paese
        del paese | fiscale | a barre | avviamento | della strada
    """),
}
