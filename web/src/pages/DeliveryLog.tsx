// SPDX-License-Identifier: Apache-2.0
//
// DeliveryLog - deliveries of an app or of one webhook, filtered.
import { useRoute } from 'preact-iso'
import { listDeliveries } from '../api/deliveries'
import type { Delivery } from '../api/types'
import { useAddress } from '../lib/address'
import { duration } from '../lib/time'
import { FilterBar, sinceOf, windows, type Filter } from '../parts/FilterBar'
import { Pager } from '../parts/Pager'
import { PageBody } from '../parts/Shell'
import { Empty, Loaded } from '../parts/States'
import { StatusBadge } from '../parts/StatusBadge'
import { Time } from '../parts/Time'
import { useQuery } from '../state/query'
import { useZone, type Zone } from '../state/zone'

const filters: Filter[] = [
    {
        name: 'status',
        label: 'Status',
        options: [
            ['delivered', 'Success'],
            ['failed', 'Failed'],
            ['retrying', 'Pending Retry'],
            ['pending', 'Pending'],
            ['filtered', 'Filtered'],
            ['skipped', 'Skipped'],
            ['cancelled', 'Cancelled'],
        ],
    },
    { name: 'type', label: 'Event Type', placeholder: 'user.created' },
    { name: 'code', label: 'HTTP status', placeholder: '500' },
    { name: 'window', label: 'Date range', options: windows.map(([name]) => [name, `Last ${name}`]) },
    { name: 'event', label: 'Event ID', placeholder: 'evt_…' },
]

function outcome(delivery: Delivery): string {
    return delivery.status_code === null ? (delivery.error ?? '–') : String(delivery.status_code)
}

export function DeliveryRows({ rows, zone }: { rows: Delivery[]; zone: Zone }) {
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Deliveries">
            <table>
                <caption class="sr-only">Deliveries, newest first</caption>
                <thead>
                    <tr>
                        <th scope="col">Timestamp</th>
                        <th scope="col">Event Type</th>
                        <th scope="col">Status</th>
                        <th scope="col">Result</th>
                        <th scope="col">Response Time</th>
                        <th scope="col">Attempt</th>
                        <th scope="col">Next retry</th>
                    </tr>
                </thead>
                <tbody>
                    {rows.map((d) => (
                        <tr class="table-row" key={d.id}>
                            <th scope="row">
                                <a href={zone.delivery(d.id)}>
                                    <Time at={d.created_at} form="absolute" />
                                </a>
                            </th>
                            <td>{d.event_type ?? '–'}</td>
                            <td>
                                <StatusBadge status={d.held ? 'held' : d.status} />
                            </td>
                            <td class="mono">{outcome(d)}</td>
                            <td class="number">{d.latency_ms === null ? '–' : duration(d.latency_ms)}</td>
                            <td class="number">
                                {d.attempt_count}/{d.max_attempts}
                            </td>
                            <td>
                                <Time at={d.next_attempt_at} none={d.status === 'failed' ? 'Exhausted' : '–'} />
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    )
}

function NoneYet({ zone, filtered }: { zone: Zone; filtered: boolean }) {
    return filtered ? (
        <Empty title="No delivery fits these filters">
            <p class="muted">Take one of the chips away, or choose a longer date range.</p>
        </Empty>
    ) : (
        <Empty title="Waiting for the first event…">
            <p class="muted">Publish one:</p>
            <pre class="code">postern send user.created --app {zone.app} --wait</pre>
        </Empty>
    )
}

export default function DeliveryLog() {
    const zone = useZone()
    const endpoint = useRoute().params['endpoint'] ?? ''
    const address = useAddress()
    const asked = {
        status: address.get('status'),
        type: address.get('type'),
        code: address.get('code'),
        event: address.get('event'),
        since: sinceOf(address.get('window')),
        cursor: address.get('cursor'),
        endpoint,
    }
    const query = useQuery(JSON.stringify({ app: zone.app, ...asked }), (signal) =>
        listDeliveries(zone.app, asked, signal),
    )
    const filtered = filters.some((f) => address.get(f.name) !== '')
    return (
        <PageBody
            title={endpoint === '' ? 'Deliveries' : 'Delivery log'}
            lead={endpoint === '' ? undefined : <a href={zone.endpoint(endpoint)}>Back to the webhook</a>}
            actions={
                <button type="button" class="button" onClick={query.reload}>
                    Refresh
                </button>
            }
        >
            <FilterBar filters={filters} />
            <Loaded query={query} rows={10}>
                {(page) =>
                    page.data.length === 0 ? (
                        <NoneYet zone={zone} filtered={filtered || asked.cursor !== ''} />
                    ) : (
                        <>
                            <DeliveryRows rows={page.data} zone={zone} />
                            <Pager page={page} />
                        </>
                    )
                }
            </Loaded>
        </PageBody>
    )
}
