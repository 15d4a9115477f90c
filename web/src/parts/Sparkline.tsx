// SPDX-License-Identifier: Apache-2.0
//
// Sparkline - all attempts and the failed ones on one scale: the gap is what works. Its numbers stand over it
// under the pointer and with the focus; a screen reader hears them as its name.
import type { Spark } from '../api/stats'
import { count, share } from '../lib/number'
import { sparkPoints, worstOf } from '../lib/spark'
import { duration } from '../lib/time'

const box = { width: 128, height: 30 }

interface Props {
    spark: Spark
    /** Of the first point, and the distance of points. */
    firstAt: string
    intervalS: number
    href: string
}

const dayText = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' })

/** "12,345 sent, 37 failed (0.3%), p95 142 ms, worst 3 Mar" */
export function sparkText({ spark, firstAt, intervalS }: Omit<Props, 'href'>): string {
    const worst = worstOf(spark.failures)
    return [
        `${count(spark.attempts)} sent`,
        `${count(spark.failed_attempts)} failed${spark.attempts === 0 ? '' : ` (${share(spark.failed_attempts, spark.attempts)})`}`,
        ...(spark.latency_ms === null ? [] : [`p95 ${duration(spark.latency_ms.p95)}`]),
        ...(worst === undefined
            ? []
            : [`worst ${dayText.format(new Date(Date.parse(firstAt) + worst * intervalS * 1000))}`]),
    ].join(', ')
}

export function Sparkline(props: Props) {
    const { spark, href } = props
    const top = Math.max(1, ...spark.total)
    const text = sparkText(props)
    return (
        <a class="spark" href={href} aria-label={`7 days: ${text}`}>
            <svg
                viewBox={`-1 -1 ${box.width + 2} ${box.height + 2}`}
                width={box.width}
                height={box.height}
                aria-hidden="true"
            >
                <polyline class="spark-total" points={sparkPoints(spark.total, top, box)} />
                {spark.failed_attempts > 0 && (
                    <polyline class="spark-failed" points={sparkPoints(spark.failures, top, box)} />
                )}
            </svg>
            <span class="spark-text number" aria-hidden="true">
                {text}
            </span>
        </a>
    )
}
