-- Does the confidence agree with later scores, by model and tier?
--
-- Groups answers by the time and the value of their confidence, and compares it with later scores
-- of the same answer after its request ended: golden if there is any, else the mean of its
-- feedback, else of its judges. A judge call that was part of the confidence is excluded. Feedback
-- and golden refer to the answer that was sent. Answers without a score are counted with unknown
-- quality. Scored answers may be a biased sample, so a bin describes only its scored answers. With
-- few answers ECE is too high by chance.
--
-- param bins = 10: bins of equal width from 0 to 1
-- param signal = any (any | golden | feedback | judge): signal used as quality
-- column tier [text]: tier of the answer
-- column model [text]: its model by its registry name; empty if the signal names none
-- column bin_from [share]: lowest confidence of the bin
-- column bin_to [share]: highest, exclusive; the last bin includes 1
-- column answers [count]: answers with a confidence in this bin
-- column judged [count]: of them, with a later score
-- column confidence [share]: mean confidence of the judged
-- column quality [share]: mean score of the judged; NULL without any
-- column off [share]: quality less confidence; below 0 the confidence was too high
-- column low [share]: lower bound of quality, 95 %, normal; NULL with less than two judged
-- column high [share]: upper bound
-- column model_judged [count]: judged answers of this model and tier, all bins
-- column ece [share]: expected calibration error of this model and tier, all bins
WITH
    told AS
    (
        SELECT request_hash
        FROM opinions
        WHERE signal IN ('golden', 'feedback', 'judge') AND score IS NOT NULL
            AND at >= {since:DateTime64(3, 'UTC')}
    ),
    -- Few requests are judged: only those are looked up.
    ended AS
    (
        SELECT request_hash, requested_at, status, tier, model
        FROM requests
        WHERE ended_at >= {since:DateTime64(3, 'UTC')}
            AND requested_at < {until:DateTime64(3, 'UTC')}
            AND request_hash IN (SELECT request_hash FROM told)
    ),
    -- All that was said of them: confidences of their answers, and what came of those.
    said AS
    (
        SELECT
            e.request_hash AS request_hash, e.requested_at AS requested_at, q.signal AS signal,
            q.at AS at, q.value AS score,
            (toString(q.tier), toString(q.request_model), q.call_id, ifNull(q.hop, -1),
                ifNull(q.visit, -1)) AS answer,
            e.status = 'replied' AND if(
                q.request_model = '' OR e.model = '', q.tier = e.tier, q.request_model = e.model
            ) AS sent
        FROM
        (
            SELECT
                request_hash, signal, at, tier, request_model, call_id, hop, visit,
                assumeNotNull(score) AS value
            FROM quality
            WHERE score IS NOT NULL AND at >= {since:DateTime64(3, 'UTC')}
                AND (signal IN ('golden', 'feedback', 'judge')
                    OR (signal = 'cascade_confidence' AND at < {until:DateTime64(3, 'UTC')}))
                AND request_hash IN (SELECT request_hash FROM told)
        ) AS q
        ASOF INNER JOIN ended AS e
            ON q.request_hash = e.request_hash AND q.at >= e.requested_at
    ),
    requests_said AS
    (
        SELECT
            avgOrNullIf(score, signal = 'golden') AS golden,
            avgOrNullIf(score, signal = 'feedback') AS liking,
            groupArrayIf((answer, at, score), signal = 'judge') AS judges,
            groupArrayIf((answer, at, score, sent), signal = 'cascade_confidence') AS stated
        FROM said
        GROUP BY request_hash, requested_at
        HAVING notEmpty(stated)
    ),
    answers AS
    (
        SELECT
            of_answer.1 AS of_tier, of_answer.2 AS of_model, of_answer.3 AS of_call,
            arrayFilter(each -> each.1 = of_answer, stated) AS own,
            arrayMax(each -> each.2, own) AS said_at,
            least(arrayAvg(each -> each.3, own), 1) AS sure,
            arrayExists(each -> each.4, own) AS sent,
            toInt64(least(floor(sure * {bins:UInt8}), {bins:UInt8} - 1)) AS bin,
            arrayMap(judge -> judge.3, arrayFilter(
                judge -> judge.2 > said_at AND if(
                    judge.1.3 != '' AND of_call != '', judge.1.3 = of_call,
                    judge.1.1 = of_tier
                        AND (judge.1.2 = '' OR of_model = '' OR judge.1.2 = of_model)
                ),
                judges
            )) AS opinions,
            if(sent AND {signal:String} IN ('any', 'golden'), golden, NULL) AS by_golden,
            if(sent AND {signal:String} IN ('any', 'feedback'), liking, NULL) AS by_feedback,
            if(empty(opinions) OR {signal:String} NOT IN ('any', 'judge'), NULL,
                arrayAvg(opinions)) AS by_judge,
            coalesce(by_golden, by_feedback, by_judge) AS good
        FROM requests_said
        ARRAY JOIN arrayDistinct(arrayMap(each -> each.1, stated)) AS of_answer
    ),
    held AS
    (
        SELECT
            of_tier, of_model, bin, count(good) AS judged_,
            avgOrNullIf(sure, good IS NOT NULL) AS stated_, avgOrNull(good) AS good_,
            if(judged_ > 1, 1.959963984540054 * stddevSamp(good) / sqrt(judged_), NULL) AS reach_
        FROM answers
        GROUP BY of_tier, of_model, bin
    ),
    counted AS
    (
        SELECT
            toString(q.tier) AS of_tier, toString(q.request_model) AS of_model,
            toInt64(least(floor(least(q.score, 1) * {bins:UInt8}), {bins:UInt8} - 1)) AS bin,
            count() AS all_
        FROM quality AS q
        WHERE q.signal = 'cascade_confidence' AND q.score IS NOT NULL
            AND q.at >= {since:DateTime64(3, 'UTC')} AND q.at < {until:DateTime64(3, 'UTC')}
        GROUP BY q.tier, q.request_model, bin
    )
SELECT
    of_tier AS tier,
    of_model AS model,
    bin / {bins:UInt8} AS bin_from,
    (bin + 1) / {bins:UInt8} AS bin_to,
    all_ AS answers,
    ifNull(judged_, 0) AS judged,
    stated_ AS confidence,
    good_ AS quality,
    quality - confidence AS off,
    if(quality < reach_, 0, quality - reach_) AS low,
    if(quality + reach_ > 1, 1, quality + reach_) AS high,
    sum(judged) OVER same_model AS model_judged,
    sum(judged * abs(ifNull(good_ - stated_, 0))) OVER same_model / nullIf(model_judged, 0) AS ece
FROM counted
LEFT JOIN held USING (of_tier, of_model, bin)
WINDOW same_model AS (PARTITION BY of_tier, of_model)
ORDER BY tier, model, bin_from
SETTINGS join_use_nulls = 1
