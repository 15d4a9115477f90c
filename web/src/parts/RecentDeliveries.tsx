// SPDX-License-Identifier: Apache-2.0
//
// RecentDeliveries - the last 50 of a webhook, filtered by the address.
import { listDeliveries } from '../api/deliveries'
import { useAddress } from '../lib/address'
import { DeliveryRows } from '../pages/DeliveryLog'
import { useQuery } from '../state/query'
import { useZone } from '../state/zone'
import { FilterBar, sinceOf, windows, type Filter } from './FilterBar'
import { Empty, Loaded } from './States'

const filters: Filter[] = [
    {
        name: 'status',
        label: 'Status',
        options: [
            ['delivered', 'Success'],
            ['failed', 'Failed'],
            ['retrying', 'Pending Retry'],
        ],
    },
    { name: 'type', label: 'Event Type', placeholder: 'user.created' },
    { name: 'window', label: 'Date range', options: windows.map(([name]) => [name, `Last ${name}`]) },
]

export function RecentDeliveries({ id }: { id: string }) {
    const zone = useZone()
    const address = useAddress()
    const asked = {
        endpoint: id,
        limit: '50',
        status: address.get('status'),
        type: address.get('type'),
        since: sinceOf(address.get('window')),
    }
    const query = useQuery(JSON.stringify([zone.app, asked]), (signal) => listDeliveries(zone.app, asked, signal))
    return (
        <section class="stack" aria-labelledby="recent">
            <div class="row spread">
                <h2 id="recent">Recent Deliveries</h2>
                <a href={zone.endpoint(id, 'deliveries')}>View Full Log</a>
            </div>
            <FilterBar filters={filters} />
            <Loaded query={query}>
                {(page) =>
                    page.data.length === 0 ? (
                        <Empty title="Nothing here yet">
                            <p class="muted">Send a test event, or publish one that this webhook wants.</p>
                        </Empty>
                    ) : (
                        <DeliveryRows rows={page.data} zone={zone} />
                    )
                }
            </Loaded>
        </section>
    )
}
