"""The French phrases of each concept."""

from __future__ import annotations

from streams.routing.rules.phrases.listed import Phrases, listed

FRENCH: Phrases = {
    "proof": listed("""
        démontr* | prouve* | prouver | preuve* | montrer que | montre que | montrez que
        théorème*
        réfut* | contre exemple* | par récurrence | déduis que
    """),
    "mathematics": listed("""
        probabilité* | intégrale* | polynôme* | nombre premier | nombres premiers | variance
        espérance mathématique | équation* | matrice* | converge | dérivée* | irrationnel*
        complexité temporelle | vecteur* | triangle* | entiers | combien de façons
        de combien de façons | dénombre* | divisible | valeurs propres | écart type
        pour tout n | pour tous n | pour tout x | pour tout entier | pour tout réel
        pour tous les entiers | pour tout k
    """),
    "puzzle": listed("""
        ment toujours | mentent toujours | dit toujours la vérité | disent toujours la vérité
        stratégie gagnante | meilleure stratégie | stratégie optimale | prisonniers | énigme
        pesées | équilibre de nash | menteur*
    """),
    "faults": listed("""
        débogu* | débug* | interblocage* | optimis* | fuite de mémoire | fuite mémoire
        cause racine
        causes racines | situation de compétition | concurrence critique | goulot* | plante
        intermitten*
        faille* | vulnérabilité* | sous charge | refactoris* | accès concurrents
    """),
    "systems": listed("""
        haute disponibilité | réplication | cohérence | concurren* | tolérance aux pannes
        tolérant* | répartie* | réparti | distribué* | sans interruption | reprise après sinistre
        idempoten* | latence | débit | partition* | exactement une fois | file d'attente
        sans verrou
    """),
    "design": listed("""
        conçois | concev* | conception | architecte | architecture* | plan de migration
        modèle de données | stratégie de migration | compromis
    """),
    "judgement": listed("""
        justifi* | hypothèses | risques | dépendances | scénarios | pourquoi cela
        plan de secours
        contredi* | limites | garanti* | causal* | conséquences | implications | cas limites
        contradiction* | pièges | facteurs de confusion
    """),
    "analysis": listed("""
        compar* | analys* | évalu* | critique* | avantages et inconvénients | stratégie*
        discute* | interprèt* | recommande* | argument* | les avantages
    """),
    "steps": listed("""
        étape par étape | pas à pas | montre ton raisonnement | montrez votre raisonnement
        détaille les étapes
    """),
    "computation": listed("""
        calcul* | résou* | détermine*
        deux fois plus | trois fois plus | le double de | moitié moins
    """),
    "expertise": listed("""
        fiscal* | clause* | responsabilité | contrat | contrats | juridique* | impôt* | diagnosti*
        posologie | contre indication* | symptôme* | quantique* | entropie | relativité
        étoile* à neutrons | enzyme* | protéine* | trésorerie | taux d'intérêt | rgpd
        valeur actuelle nette | couverture de change | semi conducteur* | génome
        étoiles à neutrons
    """),
    "software": listed("""
        base de données | bases de données | algorithme* | bibliothèque logicielle
        interface graphique
        réseau de neurones
    """),
    "depth": listed("""
        détaillé* | en détail | approfondi* | exhaustif* | complet et | efficace* | optimal*
    """),
    "plan": listed("""
        planifi* | calendrier | emploi du temps | feuille de route | itinéraire
    """),
    "explanation": listed("""
        expliqu* | pourquoi | quelle est la différence | comment fonctionne
    """),
    "prose": listed("""
        rédige* | poème* | dissertation | discours | nouvelle de | sonnet | un roman
        lettre de motivation
    """),
    "manner": listed("""
        plus poli | plus polie | plus polis | plus aimable | plus formel* | plus courtois*
        mot à mot
        en gardant le | garde le sens | gardez le sens | pas les mots | le ton | registre soutenu
        langage simple | idiomatique* | jeu de mots | jeux de mots | ironie | diplomatique*
        toutes les informations | sans jargon | sonne naturel*
    """),
    "transform": listed("""
        tradui* | résum* | reformul* | corrige* | raccourci*
    """),
    "extract": listed("""
        extrai* | classe | réponds par | classifie | classifiez | relève le | relève la
        quelle catégorie
        donne uniquement | ordre alphabétique
    """),
    "brief": listed("""
        oui ou non | un seul mot | en une phrase | réponds uniquement | uniquement le nom
        seulement le nom | réponds seulement
    """),
    "makes": listed("""
        écris | écrivez | écrire | implément* | programme | développe | crée | code un
        code une | code moi
    """),
    "code": listed("""
        fonction | requête | script | analyseur | code pour | code qui | code d'un
        code d'une | le code | un code | code source | du code | code en | jeu
    """),
    "conditions": listed("""
        chaque | au moins | au plus | exactement | sans | doit | doivent
    """),
    "lookup": listed("""
        comment puis je | où se trouve | où est | où puis je | combien de temps | combien coûte
        à quelle heure
        est ce que je peux | puis je | dois je | comment faire pour | comment changer
        comment annuler | pourquoi ma | pourquoi mon | de quelle couleur | comment dit on
    """),
    "service": listed("""
        commande | facture* | colis | livraison | mot de passe | compte | carte | remboursement
        retour | horaires | abonnement | virement* | code promo | numéro client | rendez vous
        réservation
    """),
    "papers": listed("""
        pièce d'identité | justificatif* | preuve d'achat | preuve de domicile
        mon identité | votre identité | ton identité | son identité | carte d'identité
        papiers d'identité | vol d'identité | c'est moi | c'était moi | c'est bien moi
        c'était bien moi | qui je suis | mon âge | mon adresse | mes revenus | mon domicile
        j'ai payé | m'appartient | est à moi
    """),
    "greeting": listed("""
        bonjour | merci | salut | bonsoir
    """),
    "personal": listed("j'ai | je suis | je veux | je voudrais | mon | nous | notre"),
    "hands": listed("donne moi | montre moi | j'ai besoin"),
    "access": listed("""
        porte | porte d'entrée | portail | portillon | immeuble | bâtiment | garage | alarme
        coffre | coffre fort | cadenas | entrée | wifi | parking | ascenseur | casier
        appartement | interphone | digicode | promo | promotion | promotionnel | réduction
        remise | postal | vestimentaire | pays | du pays | de la route | barres
    """),
}
