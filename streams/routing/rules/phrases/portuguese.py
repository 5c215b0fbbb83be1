"""The Portuguese phrases of each concept."""

from __future__ import annotations

from streams.routing.rules.phrases.listed import Phrases, listed

PORTUGUESE: Phrases = {
    "proof": listed("""
        demonstre | demonstra | demonstrar | demonstração | prove que | mostre que | deduza
        teorema | refute | contraexemplo*
        por indução | derive a
    """),
    "mathematics": listed("""
        de quantas maneiras | de quantas formas | probabilidade* | polinômio* | polinómio*
        números primos | número primo | variância | integral | valor esperado | equação
        equações | matriz | converge | derivada | irracional | complexidade de tempo
        divisível | vetor* | triângulo* | inteiros | desvio padrão | complexidade temporal
        para todo n | para todo x | para todo inteiro | para qualquer n
        para todos os inteiros | para todo número | para cada n
    """),
    "puzzle": listed("""
        sempre mente* | sempre diz a verdade | sempre dizem a verdade | mentiroso*
        mentem sempre | estratégia vencedora | melhor estratégia | estratégia ótima | prisioneiros
        charada | pesagens | equilíbrio de nash
    """),
    "faults": listed("""
        otimiz* | causa raiz | depur* | condição de corrida | condições de corrida | impasse
        vazamento de memória | fuga de memória | gargalo* | intermitente | vulnerabilidade*
        sob carga | trava | deadlock
    """),
    "systems": listed("""
        alta disponibilidade | consistência | concorren* | replicação | distribuíd*
        tolerância a falhas | sem interrupção | sem tempo de inatividade
        recuperação de desastres
        idempoten* | latência | partição | partições | exatamente uma vez | fila de mensagens
    """),
    "design": listed("""
        projete | arquitetura | projeta* | plano de migração | modelo de dados
        estratégia de migração | desenhe um sistema | compensações
    """),
    "judgement": listed("""
        justifi* | riscos | garantias | garanta* | pressupostos | cenários | restrições
        dependências | plano de contingência | contradi* | evidências | implicações
        consequências | casos extremos | causal* | limitações | suposições
        fatores de confusão
    """),
    "analysis": listed("""
        compare | analis* | análise | avalie | avaliação | prós e contras | estratégia*
        discuta | interprete | recomende | argumente | vantagens e desvantagens
    """),
    "steps": listed("""
        passo a passo | mostre o raciocínio | mostre os passos
    """),
    "computation": listed("""
        calcule | calcula | resolva | determine
        o dobro de | o dobro da | o triplo d* | vezes mais
    """),
    "expertise": listed("""
        cláusula* | contrato | contratos | responsabilidade | impostos | imposto | fiscal
        fiscais
        diagnóstico* | dosagem | contraindica* | sintoma* | quântic* | entropia | relatividade
        estrela de nêutrons | estrelas de nêutrons | enzima* | proteína* | liquidez
        taxa de juros | valor presente líquido | jurídic* | semicondutor* | genoma
    """),
    "software": listed("""
        banco de dados | bancos de dados | base de dados | algoritmo* | rede neural
        redes neurais
    """),
    "depth": listed("""
        detalhad* | em detalhe* | aprofundad* | exaustiv* | eficiente | ótim*
    """),
    "plan": listed("""
        planeje | planeia | cronograma | itinerário | roteiro de
    """),
    "explanation": listed("""
        explique | explica | por que | qual é a diferença | como funciona
    """),
    "prose": listed("""
        redação | poema | conto | discurso | soneto | um romance | redija | carta de apresentação
    """),
    "manner": listed("""
        mais gentil | mais educad* | mais formal | mais cordial | ao pé da letra | não as palavras
        mantenha o | mantendo o | conservando o | o tom | linguagem simples | expressão idiomática
        trocadilho* | ironia | diplomátic* | todas as informações
    """),
    "transform": listed("""
        traduz* | traduza | resum* | reescreva | corrija | encurte
    """),
    "extract": listed("""
        extraia | classifique | ordem alfabética | indique apenas | qual categoria
        diga o nome
    """),
    "brief": listed("""
        sim ou não | uma palavra | uma só palavra | uma frase | responda apenas | apenas o nome
        apenas o número
    """),
    "makes": listed("""
        escreva | implemente | crie | desenvolva | programe
    """),
    "code": listed("""
        função | consulta | classe | script | analisador | código para | código que
        código de um | código de uma | o código | um código | código fonte | código em
        jogo
    """),
    "conditions": listed("""
        pelo menos | no máximo | exatamente | sem | devem | cada
    """),
    "lookup": listed("""
        como posso | como faço para | onde está | onde fica | onde posso | quanto tempo
        quanto custa
        a que horas | posso | como mudo | como cancelo | devo | deveria | por que meu
        por que minha
        de que cor | como se diz | onde encontro
    """),
    "service": listed("""
        pedido | fatura | encomenda | envio | entrega | senha | conta | cartão | reembolso
        devolução | horário | assinatura | transferência | cupom | número de cliente
        consulta médica
        reserva
    """),
    "papers": listed("""
        documento de identidade | comprovante* | nota fiscal | minha identidade
        sua identidade | tua identidade | carteira de identidade | cartão de identidade
        roubo de identidade | fui eu | sou eu | era eu | quem sou | minha idade
        meu endereço | minha morada | minha renda | eu paguei | que paguei | me pertence
        é meu | é minha
    """),
    "greeting": listed("""
        olá | obrigado | obrigada | bom dia | oi
    """),
    "personal": listed("meu | minha | meus | tenho | comprei | por favor | nosso"),
    "hands": listed("me dê | mostre me | preciso de"),
    "access": listed("""
        porta | portão | garagem | alarme | cofre | cadeado | prédio | edifício | entrada
        wifi | estacionamento | elevador | armário | apartamento | desconto | promocional
        promoção | postal | vestimenta | país | do país | de barras | de conduta
    """),
}
