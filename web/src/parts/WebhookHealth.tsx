// SPDX-License-Identifier: Apache-2.0
//
// WebhookHealth - numbers of 24 hours: how many, how well, how fast, and why not.
import type { Stats } from '../api/stats'
import { count, share } from '../lib/number'
import { duration } from '../lib/time'
import type { Zone } from '../state/zone'

function Tile({ name, value, bad = false }: { name: string; value: string; bad?: boolean }) {
    return (
        <div class={`card tile ${bad ? 'bad' : ''}`}>
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    )
}

function Reasons({ stats }: { stats: Stats }) {
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Failures by reason">
            <table>
                <caption>
                    <h3>Failures by reason</h3>
                </caption>
                <thead>
                    <tr>
                        <th scope="col">Reason</th>
                        <th scope="col">HTTP status</th>
                        <th scope="col">Attempts</th>
                    </tr>
                </thead>
                <tbody>
                    {stats.failure_breakdown.map((f) => (
                        <tr key={`${f.token ?? ''} ${f.code ?? ''}`}>
                            <th scope="row">
                                {f.token === null ? (
                                    'An answer that is no success'
                                ) : (
                                    <a href={`/docs/errors/${f.token}`}>{f.token}</a>
                                )}
                            </th>
                            <td class="number">{f.code ?? '–'}</td>
                            <td class="number">{count(f.count)}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    )
}

function Types({ stats }: { stats: Stats }) {
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="By event type">
            <table>
                <caption>
                    <h3>By event type</h3>
                </caption>
                <thead>
                    <tr>
                        <th scope="col">Event Type</th>
                        <th scope="col">Delivered</th>
                        <th scope="col">Failed attempts</th>
                    </tr>
                </thead>
                <tbody>
                    {stats.by_type.map((t) => (
                        <tr key={t.type ?? ''}>
                            <th scope="row">{t.type ?? 'Others'}</th>
                            <td class="number">{count(t.delivered)}</td>
                            <td class={`number ${t.failed_attempts > 0 ? 'bad' : ''}`}>{count(t.failed_attempts)}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    )
}

export function WebhookHealth({ stats, zone, id }: { stats: Stats; zone: Zone; id: string }) {
    const { attempts, latency_ms: latency } = stats
    return (
        <section class="stack" aria-labelledby="health">
            <h2 id="health">Delivery Stats, last 24 hours</h2>
            <dl class="tiles">
                <Tile name="Total Deliveries" value={count(attempts.total)} />
                <Tile name="Successful" value={`${count(attempts.succeeded)} (${share(attempts.succeeded, attempts.total)})`} />
                <Tile
                    name="Failed"
                    value={`${count(attempts.failed)} (${share(attempts.failed, attempts.total)})`}
                    bad={attempts.failed > 0}
                />
                <Tile name="Average Response Time" value={latency === null ? '–' : duration(latency.avg)} />
            </dl>
            {stats.queue_depth > 0 && (
                <p>
                    {count(stats.queue_depth)}
                    {stats.queue_depth_exact ? '' : ' or more'} open, {count(stats.pending_retry)} of them wait for a retry.{' '}
                    <a href={`${zone.endpoint(id, 'deliveries')}?status=retrying`}>View them</a>
                </p>
            )}
            {(stats.failure_breakdown.length > 0 || stats.by_type.length > 0) && (
                <div class="sides">
                    {stats.failure_breakdown.length > 0 && <Reasons stats={stats} />}
                    {stats.by_type.length > 0 && <Types stats={stats} />}
                </div>
            )}
        </section>
    )
}
