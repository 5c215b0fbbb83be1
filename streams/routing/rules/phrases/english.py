"""The English phrases of each concept, and the signs of mathematical notation."""

from __future__ import annotations

from streams.routing.rules.phrases.listed import Phrases, listed

ENGLISH: Phrases = {
    "proof": listed("""
        prove | proves | proof | proofs | derive | derivation | theorem | lemma | show that
        by induction | demonstrate that | if and only if | counterexample* | disprove | rigorous*
        from first principles | necessary and sufficient | proved | proven
    """),
    "mathematics": listed("""
        integral | integrals | polynomial* | eigenvalue* | matrix | matrices | variance
        expected number | expected value | probabilit* | combinatori* | permutation*
        congruent | prime | primes | convergen* | converges | monoton* | asymptotic*
        differential equation* | integer solutions | bijection | topolog* | vector space
        closed form | recurrence | how many ways | number of ways | logarithm* | derivative*
        markov | bayes* | gradient* | np hard | np complete | coprime | o(n | o(log | o(1)
        big o | time complexity | divisible | inequality | perimeter | triangle
        circumcircle | hexagon | cdot | inclusion exclusion | generating function
        real numbers | complex numbers | positive integer* | function f
        continuous function | velocity | acceleration | circumference | diameter | theta
        cos | tan | equation* | progression | sequence | integer | integers | geometry
        annual rate | quadratic | percentile* | what is the chance | what are the chances
        how likely is | vector | vectors | cross product | dot product | angle | angles
        isomorph* | abelian | subgroup | non zero | digits of | last digit | find the ratio
        sine | cosine | determinant | orthogonal | binary tree* | confidence interval*
        null hypothesis | p value | standard deviation | for all n | for every n
        for each n | for all x | for every x | for all real | for every real
        for all positive | for every positive | for all natural | for every natural
        for all integers | for every integer | for all k | for any n | for any integer
        for all m | homomorphism* | epimorphism* | additive group | multiplicative group
        ratio of | in the ratio | in the proportion | arcsin* | arccos* | euclidean
        summation | factorial*
    """),
    "notation": listed(r"""
        \frac | \sum | \int | \begin{ | \mathbb | \sqrt | \le | \ge | \in | \text | ^{ | _{ | $$
        ∑ | ∫ | √ | ≤ | ≥ | ∀ | ∃ | ∈ | ℝ | ℤ | →∞ | x^ | n^ | x² | y² | n² | a_n | a_1 | x_1
        x_i | f(x | g(x | f(n | → | 10^ | 2^n | mod | \(
        ↔ | ∧ | ∨ | ¬ | ⇒ | ∞ | ∪ | ∩ | ⊂ | sin( | cos( | ln( | log( | lim(
    """),
    "puzzle": listed("""
        suspects | always lie* | tells the truth | tell the truth | knights and knaves
        prisoners | best strategy | optimal strategy | winning strategy | each clue | clues
        who owns | weighing* | fake coin* | false coin* | pirates | hat color | hat colour
        own hat | white hats | black hats | truth teller* | riddle
        exactly one of | only solution | nash equilibri*
    """),
    "faults": listed("""
        debug | debugging | root cause | race condition* | races | deadlock* | livelock
        memory leak* | hangs | segfault* | stack trace | traceback | core dump | panic
        sometimes fails | intermittent* | flaky | regression | vulnerabilit* | exploit*
        where do you look | what is wrong with | bottleneck* | corrupt* | refactor* | optimize
        optimise | thread safe | concurrent* | concurrency | review this | find all the
        security review | code review | under load
    """),
    "systems": listed("""
        lock free | mutex | volatile | memory order* | interleaving* | atomic* | p99 | p95
        tail latency | backpressure | idempoten* | exactly once | consistency | consensus | raft
        paxos | shard | shards | sharding | sharded | replication | replica* | isolation
        serialization failure*
        crdt* | downtime | failover | disaster recovery | rpo | rto | high availability
        backwards compatib* | threat model* | distributed | offline | partition* | late events
        incremental* | throughput | latency | multi tenant | goroutine* | garbage collect*
        caching
        b tree | lsm | kafka | clickhouse | event sourc* | microservice* | protocol | rate limit*
        load balanc*
    """),
    "design": listed("""
        design | redesign | architect | architecture* | trade off* | tradeoff* | migration plan
        migration strategy | data model | system design | schema | build a system
        without downtime | migrate | scalab* | end to end | from scratch | invariant*
        disaster recovery plan
    """),
    "judgement": listed("""
        justif* | and why | explain why | assumption* | what can go wrong | edge case*
        guarantee* | risk | risks | dependencies | contingenc* | fallback | scenario*
        sensitivit* | which facts | in which order | error propagation | limitations | confound*
        causal* | evidence | contradict* | conflict* | what would change
        what would you | how would you | how we would | state the | walk through | implication*
        precisely | correctness | it would take | how you'd | ambigu*
        conclude
    """),
    "analysis": listed("""
        compare | contrast | evaluate | critique | analyze | analyse | analysis | assess
        synthesize | synthesise | reconcile | pros and cons | weak point* | discuss
        advantages and disadvantages | argument* | interpret* | versus | vs | recommend
        estimate | forecast | strateg* | simulat* | propose | critical* | steelman
        both sides | devil's advocate
    """),
    "steps": listed("""
        step by step | think through | think carefully | reasoning | work out
        chain of thought | in each case | at each step | for each of | then list
        then write | then rewrite | then explain | reason through | reason about
        reason step | show your reasoning | show your work | show the steps
        explain your reasoning | show your working
    """),
    "computation": listed("""
        calculate | compute | solve | what is the sum | what is the product | what is the value
        what is the output | predict the output | find all | evaluate the | find the value
        determine | how many different | how many distinct
        twice as | twice the age | half as | times as | times older | times the age | as old as
        double the
    """),
    "expertise": listed("""
        ebitda | covenant* | npv | present value* | amortiz* | capital gains | dilution
        tax | taxes | liability | liable | clause* | jurisdiction* | indemni* | statute
        contract | contracts | permanent establishment | labour law | gdpr | antitrust
        diagnos* | contraindicat* | dosage | symptom* | comorbid* | randomi* | quantum
        entropy | electric field | magnetic | voltage | circuit* | resistor* | capacitor*
        peptide* | titration | momentum | friction | wavelength | oscillat* | thermodynamic*
        relativity | neutron | boson | orbit | genome | crispr | enzyme* | catalyst*
        reaction mechanism | phase transition | metastable | vacuum | molecul* | isotope*
        licensing | agpl | gpl | proprietary | copyright* | patent* | trademark* | infringe*
        working capital | balance sheet | depreciation | equity | blood pressure
        medication* | side effect* | chronic | antibiotic* | trajectory | semiconductor*
        protein* | net debt | cash flow | valuation | hedg* | audit* | interest rate*
        liquidity | annual growth | annually | compound* | invest | investment* | stocks
        inflation | central bank* | gdp | monetary policy | pathogen* | pharmacolog*
        astrophysics | thermal | adiabatic | solubility | molar
    """),
    "software": listed("""
        html | css | javascript | typescript | c++ | c# | sdk | api | unity | flutter
        python | rust | swift | kotlin | java | golang | haskell | tensorflow | pytorch
        gui | docker | kubernetes | linux | postgres* | sql | react | django
        neural network* | algorithm* | database | framework | opengl | cuda | backend
        frontend | async* | callback* | compile* | exception | terraform | excel
        spreadsheet* | llm | llms | deep learning | machine learning | pandas | numpy
        dataframe* | sklearn | scikit learn | transformer model* | aws | azure
        command line | ip address | vlan | ssh | dataset* | json | xml | csv | yaml | bash
        powershell | vba | vbs | nodejs | node.js | php | laravel | ruby | matlab | qt
        pyqt* | selenium | webpack | vuejs | vue.js | svelte | nginx | git | github | android
        arduino | raspberry pi | gpu | cpu | operating system* | webhook* | graphql
        rest api | oauth | encryption | cryptograph* | embedding* | classifier* | nix*
        latex | graphviz | matplotlib | xgboost | k8s | ansible | wget | torch | gpus
        spring boot | spring security | namespace | regression model
    """),
    "depth": listed("""
        advanced | comprehensive* | detailed | in detail | thorough* | full working
        complete code | production ready | as many | in depth | optimal | efficient* | deep dive
        at scale | robust* | best practices | state of the art | novel approach
    """),
    "plan": listed("""
        plan | schedule | itinerary | timetable | roadmap | allocate | runbook | agenda
        workshop | at most | at least | budget of | within two | constraints
    """),
    "explanation": listed("""
        explain | why | describe how | how does | difference between | what does it mean
        in plain words | in plain language | what are my options
    """),
    "prose": listed("""
        essay | story | poem | novel | chapter | villanelle | sonnet | speech | toast | proposal
        screenplay | blog post | write an article | write a report | product copy | cover letter
        press release | dialogue | monologue | draft a | in the style of | write a letter
        words max | lyrics | short story
    """),
    "manner": listed("""
        keep the meaning | keeping the meaning | keep its meaning | same meaning | the meaning, not
        not word for word | not literally | literally | idiom | idioms | idiomatic* | keep the tone
        keeping the tone | keep the humor | keep the humour | keep the point | keep the rhyme*
        keep the style | keep all information | keep all the information | keep every detail
        keep all details | without losing | placeholders | business register | formal register
        casual register | natural sounding | sound natural | sounds natural | more polite*
        more formal*
        less formal* | more casual* | friendlier | warmer | softer | less harsh | less aggressive
        passive aggressive | diplomatic* | tactful* | without jargon | plain english | easy language
        pun | puns | wordplay | play on words | irony | ironic | sarcas* | nuance*
    """),
    "transform": listed("""
        translate | summarize | summarise | rewrite | rephrase | shorten | correct the
        proofread | paraphrase | simplify | fix the spelling | tl;dr
    """),
    "extract": listed("""
        extract | classify | label as | label the | label this | label each | categorize
        categorise | format as | format the | format this | format it | convert | spam | sentiment
        alphabetical | alphabetically | markdown table | put the following | pick the | tag the
        what is the name of | name of the | names of the | find the name | list the names
        list all names | who is the author | which company is | mentioned in the
        which label | which category | is this review | is this mail | is this urgent
    """),
    "brief": listed("""
        yes or no | true or false | one word | yes/no | one sentence | just the name
        just the letter
        just the number | just the answer | only the name | only the answer | only the number
        answer only
        reply only | return only | nothing but the
        label only | in one line | one line | one number | and nothing else | no explanation
        single word | in a word | answer with
    """),
    "makes": listed("""
        write | implement | build | create | make | port it | port this
        port my | port our | develop | generate | craft
        draft | compose | prepare | produce | invent | code a | code an | code me | code up
        code this | code it
    """),
    "code": listed("""
        function* | class | classes | program | script | parser | service | plugin | tests
        unit test* | query | queries | component | module | web app | ios app | endpoint | queue
        allocator | crate | method | data structure | engine | interpreter | compiler | solver
        tree | linked list | hash table | hash map | hashmap | cache | scheduler | server | shell
        library | command line tool | cli | chatbot | crawler | scraper | dashboard | macro
        snippet | android app | an app
        application | web page | login page | website | game | bot | code for | code to
        code that | code which | me code | some code | code in | python code | java code
        c++ code
        source code | full code | the code | shader | kernel | testbench | test bench | fuzzer
        middleware | regex | smart contract | test case* | implementation | simulator | emulator
        extension
    """),
    "conditions": listed("""
        if | then | unless | each | every | exactly | except | must | given | at least one
        no more than | without | cannot | can't | never | only if | within | whichever | still
        instead of | any of | no two | all of
    """),
    "lookup": listed("""
        how do i | how can i | how do you | how long | how much | how often | how far | how old
        how soon | how would i | how should i | what should i | should i | should we | can i
        could i | may i | do i need | am i | is it possible to | is there a way to | where can i
        where do i
        where is | when will | when does | when do | who do i | why is my | why are my
        why was my | why were
        why did my | why does my | why has my | why hasn't | why isn't | why can't i | why did i
        why do i
        why am i | why was i | why did you | why do you | why won't | why didn't | why is there
        why haven't | why it isn't | why my | what do i do | what happens if | tell me about
        how many days | how do people
    """),
    "service": listed("""
        my order | an order | this order | your order | order number | ordered | refund* | my card
        the card | a card | this card | credit card | debit card | bank card | new card | cards
        my account | an account | bank account | account number | password | passcode | pin number
        my pin | delivery | delivered | my package | parcel | invoice | receipt | my bill
        my payment
        the payment | a payment | payments | subscription | membership | my booking | reservation
        appointment | shipping | shipped | top up | topped up | topping up | withdrawal | withdrew
        fee | fees | charged | bank transfer | money transfer | my transfer | the transfer
        a transfer | transferred | exchange rate | voucher | coupon | gift card | opening hours
        customer service | your shop | your store | my flight | a flight | flights | a hotel
        my ticket
        luggage | my phone | the app | your app | my balance | credit score | my insurance
        payday
        vacation days | my statement | your website | your page
        zip code* | area code* | promo code* | discount code* | country code* | postal code*
        error code* | dress code* | qr code* | access code* | coupon code* | voucher code*
        pin code* | security code* | swift code* | verification code*
    """),
    "papers": listed("""
        identification | my address | proof of address | proof of purchase | my age
        proof of payment | proof of delivery | proof of income | who i am | i'm over
        i am over | my income | proof of residence | proof of insurance | ownership of
        proof of employment | passport | driver's licen* | my identity | your identity
        his identity | her identity | their identity | identity card* | identity document*
        identity check* | identity verification | identity theft | verify my identity
        proof of identity | proof of age | proof of id | proof of work | proof of concept
        proof of stake | it was me | it wasn't me | it is me | it's me | was me | i paid
        i've paid | i sent it | i live | i own | i returned | i'm the owner | i am the owner
        it's mine | it is mine | is mine | was mine | my purchase | my residence
        my employment | i'm old enough | i work here | i was there | i'm not a robot
        i am not a robot | my innocence | my relationship | my citizenship | my nationality
        proof of identification
    """),
    "greeting": listed("""
        hi | hello | hey | good morning | good evening | good afternoon
    """),
    "personal": listed("""
        my | i'm | i've | i have | i am | i was | i got | i bought | i tried | i made | i hope
        i know | our | please | thanks | thank you
    """),
    "hands": listed("""
        give me | show me | send me | provide | i need | i want | i would like | help me
    """),
    "access": listed("""
        door | doors | doorway | gate | gates | garage | alarm | safe | vault | lock
        padlock | lobby | entrance | building | locker | lockers | car park | parking
        parking lot | wifi | wi fi | elevator | lift | hallway | courtyard | stairwell
        apartment | flat | house | gym | pool | toilet | toilets | restroom | bathroom
        storage room | meeting room | changing room | key box | lockbox | keypad | intercom
        barrier | letterbox | mailbox | discount | discounts | promo | promotion | sale
        zip | postal | postcode | area | country | dialling | dialing
        dress | error | qr | tracking | referral | invite | invitation | gift
        student discount | free shipping | airport | party | wedding | conduct | customs
        bank branch | % off
    """),
}
