"""The Spanish phrases of each concept."""

from __future__ import annotations

from streams.routing.rules.phrases.listed import Phrases, listed

SPANISH: Phrases = {
    "proof": listed("""
        demuestr* | demostra* | prueba que | deduce | teorema* | refuta* | contraejemplo*
        por inducción | deriva la
    """),
    "mathematics": listed("""
        probabilidad* | polinomio* | número primo | números primos | varianza | integral de
        valor esperado | ecuación* | ecuaciones | matriz | converge | derivada* | irracional
        complejidad temporal | vector | vectores | triángulo* | enteros | de cuántas formas
        de cuántas maneras | divisible | autovalor* | desviación estándar | para todo n
        para todo x | para todo entero | para todo número | para cualquier n
        para todos los enteros | para cada n | para todo real
    """),
    "puzzle": listed("""
        siempre miente* | siempre dice la verdad | siempre dicen la verdad | mentiroso*
        estrategia ganadora | mejor estrategia | estrategia óptima | prisioneros | acertijo
        pesadas | equilibrio de nash
    """),
    "faults": listed("""
        depura* | interbloqueo* | optimiza* | condición de carrera | condiciones de carrera
        causa raíz | fuga de memoria | cuello de botella | cuellos de botella | intermitente*
        vulnerabilidad* | bajo carga | se cuelga | refactoriz*
    """),
    "systems": listed("""
        alta disponibilidad | replicación | consisten* | sin red | concurren* | distribuid*
        tolerancia a fallos | sin tiempo de inactividad | recuperación ante desastres
        idempoten* | latencia | rendimiento bajo | partición* | exactamente una vez
        sin interrupci*
        cola de mensajes | sin bloqueos
    """),
    "design": listed("""
        diseñ* | arquitectura | compensaciones | plan de migración | modelo de datos
        estrategia de migración | disyuntivas
    """),
    "judgement": listed("""
        justific* | supuestos | riesgos | garantías | garantiza* | conflictos | escenarios
        dependencias | plan de contingencia | contradic* | evidencia* | causal* | implicaciones
        consecuencias | casos límite | limitaciones | factores de confusión
    """),
    "analysis": listed("""
        compara* | analiza* | análisis | evalúa* | ventajas y desventajas | critica
        ventajas e inconvenientes | estrategia* | discute | interpreta* | recomienda* | argumenta*
    """),
    "steps": listed("""
        paso a paso | muestra el razonamiento | muestra los pasos | explica tu razonamiento
    """),
    "computation": listed("""
        calcula* | resuelv* | determina
        el doble de | el triple de | veces más | la mitad de
    """),
    "expertise": listed("""
        cláusula* | responsabilidad | contrato | contratos | impuesto* | fiscal | fiscales
        diagnóstico* | dosis | contraindica* | síntoma* | cuántic* | entropía | relatividad
        estrella* de neutrones | enzima* | proteína* | liquidez | tipo de interés
        valor actual neto
        estrellas de neutrones | jurídic* | semiconductor* | genoma | cobertura cambiaria
    """),
    "software": listed("""
        base de datos | bases de datos | algoritmo* | red neuronal | redes neuronales
    """),
    "depth": listed("""
        detallad* | en detalle | en profundidad | exhaustiv* | eficiente* | óptim*
    """),
    "plan": listed("""
        planifica* | calendario | itinerario | hoja de ruta | cronograma
    """),
    "explanation": listed("""
        explica* | por qué | cuál es la diferencia | cómo funciona
    """),
    "prose": listed("""
        redacta* | ensayo | poema | cuento | discurso | soneto | novela
        carta de presentación
    """),
    "manner": listed("""
        más amable | más cortés | más educad* | más formal | palabra por palabra | no las palabras
        mantén el sentido | conserva el sentido | conservando el | manteniendo el | el tono
        lenguaje sencillo | lenguaje claro | modismo* | juego de palabras | ironía | diplomátic*
        toda la información | suene natural | literalmente
    """),
    "transform": listed("""
        traduc* | resum* | reescrib* | corrig* | acorta
    """),
    "extract": listed("""
        extrae* | clasifica* | formatea | orden alfabético | indica solo | qué categoría
        dime el nombre
    """),
    "brief": listed("""
        sí o no | una palabra | una frase | responde solo | solo el nombre | solo el número
    """),
    "makes": listed("""
        escribe | implementa | crea | desarrolla | programa
    """),
    "code": listed("""
        función | consulta | clase | script | analizador | código para | código que
        código de un | código de una | el código | un código | código fuente | código en
        juego
    """),
    "conditions": listed("""
        cada | al menos | como máximo | exactamente | debe | deben
    """),
    "lookup": listed("""
        cómo puedo | dónde está | dónde puedo | cuánto tiempo | cuánto cuesta | a qué hora | puedo
        cómo cambio | cómo cancelo | debo | debería | por qué mi | por qué no me
        de qué color | cómo se dice | cuándo
    """),
    "service": listed("""
        pedido | factura* | paquete | envío | contraseña | cuenta | tarjeta | reembolso
        devolución | horario | suscripción | transferencia* | cupón | número de cliente | cita
        reserva
    """),
    "papers": listed("""
        documento de identidad | comprobante* | prueba de compra | mi identidad
        su identidad | tu identidad | robo de identidad | carné de identidad
        tarjeta de identidad | fui yo | soy yo | era yo | quién soy | mi edad | mi domicilio
        mi dirección | mis ingresos | que pagué | que he pagado | me pertenece | es mío
        es mía
    """),
    "greeting": listed("""
        hola | gracias | buenos días | buenas
    """),
    "personal": listed(
        "quiero | tengo | hemos | nuestro | nuestra | por favor | he comprado | compré"
    ),
    "hands": listed("dame | muéstrame | necesito"),
    "access": listed("""
        puerta | portal | portón | garaje | alarma | caja fuerte | candado | edificio
        entrada | wifi | aparcamiento | ascensor | taquilla | apartamento | descuento
        promocional | promoción | postal | vestimenta | país | de país | de barras
        de conducta
    """),
}
