// SPDX-License-Identifier: Apache-2.0
//
// EventPage - one event and what became of it at every endpoint, also at those that did not get it.
import { useRoute } from 'preact-iso'
import { getEvent } from '../api/deliveries'
import type { EventDetail } from '../api/types'
import { Copyable } from '../parts/Copy'
import { PageBody } from '../parts/Shell'
import { Loaded } from '../parts/States'
import { StatusBadge } from '../parts/StatusBadge'
import { Time } from '../parts/Time'
import { useQuery } from '../state/query'
import { useZone, type Zone } from '../state/zone'

function FanOut({ event, zone }: { event: EventDetail; zone: Zone }) {
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Fan-out">
            <table>
                <caption>
                    <h2>Where it went</h2>
                </caption>
                <thead>
                    <tr>
                        <th scope="col">Webhook</th>
                        <th scope="col">Status</th>
                        <th scope="col">Reason</th>
                        <th scope="col">Delivery</th>
                    </tr>
                </thead>
                <tbody>
                    {event.deliveries.map((d, i) => (
                        <tr key={i}>
                            <th scope="row">
                                {d.endpoint_id === null ? 'gone' : <a href={zone.endpoint(d.endpoint_id)}>{d.endpoint_id}</a>}
                            </th>
                            <td>
                                <StatusBadge status={d.status} />
                            </td>
                            <td>{d.reason ?? '–'}</td>
                            <td>{d.id === null ? '–' : <a href={zone.delivery(d.id)}>{d.id}</a>}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    )
}

export default function EventPage() {
    const zone = useZone()
    const id = useRoute().params['event'] ?? ''
    const query = useQuery(`${zone.app} ${id}`, (signal) => getEvent(zone.app, id, signal))
    return (
        <Loaded query={query}>
            {(event) => (
                <PageBody title={`Event ${event.type}`}>
                    <dl class="facts card">
                        <dt>Event ID</dt>
                        <dd>
                            <Copyable text={event.id} what="event ID" />
                        </dd>
                        <dt>Happened</dt>
                        <dd>
                            <Time at={event.created_at} form="absolute" />
                        </dd>
                        <dt>Accepted</dt>
                        <dd>
                            <Time at={event.accepted_at} form="absolute" />
                        </dd>
                    </dl>
                    <section class="stack tight">
                        <h2>Data</h2>
                        <pre class="code" tabIndex={0}>
                            {JSON.stringify(event.data, null, 2)}
                        </pre>
                    </section>
                    <FanOut event={event} zone={zone} />
                </PageBody>
            )}
        </Loaded>
    )
}
