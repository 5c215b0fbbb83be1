"""The English phrases of each signal's meaning, by name in `signals`.

A phrase that ends with `*` stands for all words that begin so.
"""

from __future__ import annotations

from collections.abc import Mapping


def _listed(text: str) -> tuple[str, ...]:
    return tuple(
        phrase.strip() for line in text.strip().splitlines() for phrase in line.split(" | ")
    )


ENGLISH: Mapping[str, tuple[str, ...]] = {
    "proof": _listed("""
        prove | proves | proof | proofs | derive | derivation | theorem | lemma | show that
        by induction | if and only if | counterexample* | disprove | rigorous*
        from first principles | necessary and sufficient | completeness | proved | proven
    """),
    "mathematics": _listed("""
        integral | integrals | polynomial* | eigenvalue* | matrix | matrices | variance
        expected number | expected value | probabilit* | combinatori* | permutation* | modulo
        prime | primes | convergen* | converges | monoton* | asymptotic*
        differential equation* | integer solutions | bijection | topolog* | vector space
        closed form | recurrence | how many ways | number of ways | logarithm* | limit of
        derivative* | markov | bayes* | gradient* | np hard | np complete | coprime | o(n
        o(log | o(1) | big o | time complexity | divisible | inequality | perimeter | triangle
        circumcircle | hexagon | cdot | inclusion exclusion | generating function | real numbers
        complex numbers | positive integer* | function f | continuous function | velocity
        acceleration | circumference | diameter | theta | cos | tan | equation* | progression
        sequence | integer | integers | geometry | annual rate | quadratic | percentile*
        confidence interval* | null hypothesis | p value | standard deviation
    """),
    "notation": _listed(r"""
        \frac | \sum | \int | \begin{ | \mathbb | \sqrt | \le | \ge | \in | \text | ^{ | _{ | $$
        ∑ | ∫ | √ | ≤ | ≥ | ∀ | ∃ | ∈ | ℝ | ℤ | →∞ | x^ | n^ | x² | y² | n² | a_n | a_1 | x_1
        x_i | f(x) | 10^ | 2^n | mod | \(
    """),
    "puzzle": _listed("""
        suspects | always lie* | tells the truth | tell the truth | knights and knaves
        prisoners | best strategy | optimal strategy | winning strategy | each clue | clues
        who owns | truth teller* | riddle | exactly one of | only solution | nash equilibri*
    """),
    "faults": _listed("""
        debug | debugging | root cause | race condition* | races | deadlock* | livelock
        memory leak* | hangs | segfault* | stack trace | traceback | core dump | panic
        sometimes fails | intermittent* | flaky | regression | vulnerabilit* | exploit*
        where do you look | what is wrong with | bottleneck* | corrupt* | refactor* | optimize
        optimise | thread safe | concurrent* | concurrency | review this | find all the
        security review | code review | under load
    """),
    "systems": _listed("""
        lock free | mutex | volatile | memory order* | interleaving* | atomic* | p99 | p95
        tail latency | backpressure | idempoten* | exactly once | consistency | consensus | raft
        paxos | sharding | sharded | replication | replica* | isolation | serialization failure*
        crdt* | downtime | failover | disaster recovery | rpo | rto | high availability
        backwards compatib* | threat model* | distributed | offline | partition* | late events
        incremental* | throughput | latency | multi tenant | goroutine* | garbage collect*
        b tree | lsm | cache | kafka | clickhouse | event sourc* | microservice* | compiler
        scheduler | protocol
    """),
    "design": _listed("""
        design | redesign | architect | architecture* | trade off* | tradeoff* | migration plan
        migration strategy | data model | system design | schema | build a system
        without downtime | migrate | scalab* | end to end | from scratch | invariant*
        disaster recovery plan
    """),
    "judgement": _listed("""
        justif* | and why | explain why | assumption* | what can go wrong | edge case*
        guarantee* | risk | risks | dependencies | contingenc* | fallback | scenario*
        sensitivit* | which facts | in which order | error propagation | limitations | confound*
        causal* | causes | evidence | contradict* | conflict* | what would change
        what would you | how would you | how we would | state the | walk through | implication*
        precisely | correctness | should i | should we | it would take | how you'd | ambigu*
        conclude
    """),
    "analysis": _listed("""
        compare | contrast | evaluate | critique | analyze | analyse | analysis | assess
        synthesize | synthesise | reconcile | pros and cons | weak point* | discuss
        advantages and disadvantages | argument* | interpret* | versus | vs | recommend
        estimate | forecast | strateg* | implement* | simulat* | propose | critical*
    """),
    "steps": _listed("""
        step by step | think through | think carefully | reason | reasoning | work out
        chain of thought | in each case | at each step | for each of | then list | then write
        then rewrite | then explain
    """),
    "computation": _listed("""
        calculate | compute | solve | what is the sum | what is the product | what is the value
        what is the output | predict the output | find all | evaluate the | find the value
        determine | how many different | how many distinct
    """),
    "expertise": _listed("""
        ebitda | covenant* | npv | present value* | amortiz* | capital gains | dilution | tax
        taxes | liability | liable | clause* | jurisdiction* | indemni* | statute | contract
        contracts | permanent establishment | labour law | gdpr | antitrust | diagnos*
        contraindicat* | dosage | symptom* | comorbid* | randomi* | quantum | entropy
        thermodynamic* | relativity | neutron | boson | orbit | genome | crispr | enzyme*
        catalyst* | reaction mechanism | phase transition | metastable | vacuum | molecul*
        isotope* | trajectory | semiconductor* | protein* | net debt | cash flow | valuation
        hedg* | audit* | interest rate* | liquidity
    """),
    "software": _listed("""
        html | css | javascript | typescript | c++ | c# | sdk | api | unity | flutter | python
        rust | swift | kotlin | java | golang | haskell | tensorflow | pytorch | gui | docker
        kubernetes | linux | postgres* | sql | regex | react | django | neural network*
        algorithm* | database | framework | shader | opengl | cuda | backend | frontend | async*
        callback* | compile* | exception | terraform
    """),
    "depth": _listed("""
        advanced | comprehensive* | detailed | in detail | thorough* | full working
        complete code | production ready | as many | in depth | optimal | efficient* | deep dive
        at scale | robust* | best practices | state of the art | novel approach
    """),
    "plan": _listed("""
        plan | schedule | itinerary | timetable | roadmap | allocate | runbook | agenda
        workshop | at most | at least | budget of | within two | constraints
    """),
    "explanation": _listed("""
        explain | why | describe how | how does | how do | difference between | how can
        what does it mean | in plain words | in plain language | what are my options
    """),
    "prose": _listed("""
        essay | story | poem | novel | chapter | villanelle | sonnet | speech | toast | proposal
        screenplay | blog post | write an article | write a report | product copy | cover letter
        press release | dialogue | monologue | draft a | in the style of | write a letter
        words max | lyrics | short story
    """),
    "transform": _listed("""
        translate | summarize | summarise | rewrite | rephrase | shorten | correct the
        proofread | paraphrase | simplify | fix the spelling | tl;dr
    """),
    "extract": _listed("""
        extract | classify | label | categorize | categorise | format | convert | spam
        sentiment | alphabetical | markdown table | put the following | pick the | tag
        which label | which category | is this review | is this mail | is this urgent
    """),
    "brief": _listed("""
        yes or no | true or false | one word | yes/no | one sentence | just the | only the
        label only | in one line | one line | one number | nothing else | no explanation
        single word | in a word | answer with
    """),
    "makes": _listed("""
        write | implement | build | create | make | port | develop | generate | code
    """),
    "code": _listed("""
        function* | class | classes | program | script | parser | service | plugin | tests
        unit test* | query | queries | component | module | web app | ios app | endpoint | queue
        allocator | crate | method | data structure | macro | snippet | android app | an app
        application | web page | login page | website | game | bot | code for | code to
        code that | code which | simulator | emulator | extension
    """),
    "conditions": _listed("""
        if | then | unless | each | every | exactly | except | must | given | at least one
        no more than | without | cannot | can't | never | only if | within | whichever | still
        instead of | any of | no two | all of
    """),
}
