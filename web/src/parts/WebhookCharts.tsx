// SPDX-License-Identifier: Apache-2.0
//
// WebhookCharts - how a webhook did for seven days: attempts with the failed ones, response time, success.
import { endpointStats } from '../api/stats'
import { count, share } from '../lib/number'
import { duration } from '../lib/time'
import { useQuery } from '../state/query'
import { useZone } from '../state/zone'
import { Loaded } from './States'
import { TimeChart } from './TimeChart'

const warningMs = 1000
const criticalMs = 3000

export function WebhookCharts({ id }: { id: string }) {
    const zone = useZone()
    const query = useQuery(`${zone.app} ${id}`, (signal) => endpointStats(zone.app, id, '7d', signal))
    return (
        <section class="stack" aria-labelledby="charts">
            <h2 id="charts">Last 7 days</h2>
            <Loaded query={query} rows={6}>
                {({ series, attempts, latency_ms: latency }) => {
                    const at = series.map((p) => p.at)
                    const ms = (of: 'min' | 'avg' | 'max') => series.map((p) => p.latency_ms?.[of] ?? null)
                    return (
                        <div class="charts">
                            <TimeChart
                                title="Event deliveries"
                                summary={`${count(attempts.total)} attempts in 7 days, ${count(attempts.failed)} failed.`}
                                at={at}
                                series={[
                                    { name: 'Total', kind: 'chart-total', values: series.map((p) => p.attempts) },
                                    { name: 'Failed', kind: 'chart-failed', values: series.map((p) => p.failed_attempts) },
                                ]}
                                format={(n) => count(Math.round(n * 10) / 10)}
                            />
                            <TimeChart
                                title="Response time"
                                summary={
                                    latency === null
                                        ? 'No attempts in 7 days.'
                                        : `${duration(latency.avg)} on average, from ${duration(latency.min)} to ${duration(latency.max)}.`
                                }
                                at={at}
                                series={[{ name: 'Average', kind: 'chart-average', values: ms('avg') }]}
                                band={{ name: 'Minimum to maximum', low: ms('min'), high: ms('max') }}
                                marks={[
                                    { value: warningMs, text: '1 s', kind: 'warning' },
                                    { value: criticalMs, text: '3 s', kind: 'critical' },
                                ]}
                                format={duration}
                            />
                            <TimeChart
                                title="Success rate"
                                summary={`${share(attempts.succeeded, attempts.total)} of the attempts in 7 days.`}
                                at={at}
                                series={[
                                    {
                                        name: 'Success rate',
                                        kind: 'chart-total',
                                        values: series.map((p) =>
                                            p.attempts === 0 ? null : ((p.attempts - p.failed_attempts) / p.attempts) * 100,
                                        ),
                                    },
                                ]}
                                top={100}
                                format={(n) => `${Math.round(n * 10) / 10}%`}
                            />
                        </div>
                    )
                }}
            </Loaded>
        </section>
    )
}
