// SPDX-License-Identifier: Apache-2.0
//
// EndpointList - all webhooks of an app.
import { listEndpoints } from '../api/endpoints'
import type { Endpoint } from '../api/types'
import { useAddress } from '../lib/address'
import { Copyable } from '../parts/Copy'
import { Pager } from '../parts/Pager'
import { PageBody } from '../parts/Shell'
import { Empty, Loaded } from '../parts/States'
import { StatusBadge } from '../parts/StatusBadge'
import { Time } from '../parts/Time'
import { useQuery } from '../state/query'
import { useZone, type Zone } from '../state/zone'

function Row({ endpoint, zone }: { endpoint: Endpoint; zone: Zone }) {
    const events = endpoint.event_types
    return (
        <tr class="table-row">
            <th scope="row">
                <a href={zone.endpoint(endpoint.id)}>{endpoint.name}</a>
                <div class="muted mono">{endpoint.url}</div>
            </th>
            <td>
                <StatusBadge status={endpoint.status} />
            </td>
            <td>{events.length === 0 ? 'All events' : `${events.length} events`}</td>
            <td>
                <Time at={endpoint.last_success_at} none="Never" />
            </td>
            <td>{endpoint.created_by ?? '–'}</td>
            <td>
                <Time at={endpoint.created_at} />
            </td>
        </tr>
    )
}

function FirstSteps({ zone }: { zone: Zone }) {
    const command = `curl -X POST ${location.origin}/api/v1/apps/${zone.app}/endpoints -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"url":"https://example.com/webhooks"}'`
    return (
        <Empty title="No webhooks yet">
            <p class="muted">A webhook is a URL of yours that receives events. Create one here, or by API:</p>
            <div class="code">
                <Copyable text={command} what="command" />
            </div>
            {zone.canManage && (
                <p>
                    <a class="button primary" href={zone.newEndpoint}>
                        + Create Webhook
                    </a>
                </p>
            )}
        </Empty>
    )
}

export default function EndpointList() {
    const zone = useZone()
    const address = useAddress()
    const cursor = address.get('cursor')
    const query = useQuery(`${zone.app} ${cursor}`, (signal) => listEndpoints(zone.app, { cursor }, signal))
    return (
        <PageBody
            title="Webhooks"
            actions={
                zone.canManage && (
                    <a class="button primary" href={zone.newEndpoint}>
                        + Create Webhook
                    </a>
                )
            }
        >
            <Loaded query={query}>
                {(page) =>
                    page.data.length === 0 && cursor === '' ? (
                        <FirstSteps zone={zone} />
                    ) : (
                        <>
                            <div class="scroll" tabIndex={0} role="region" aria-label="Webhooks">
                                <table>
                                    <caption class="sr-only">Webhooks</caption>
                                    <thead>
                                        <tr>
                                            <th scope="col">Webhook</th>
                                            <th scope="col">Status</th>
                                            <th scope="col">Events</th>
                                            <th scope="col">Last delivery</th>
                                            <th scope="col">Source</th>
                                            <th scope="col">Created</th>
                                        </tr>
                                    </thead>
                                    <tbody>
                                        {page.data.map((endpoint) => (
                                            <Row endpoint={endpoint} zone={zone} key={endpoint.id} />
                                        ))}
                                    </tbody>
                                </table>
                            </div>
                            <Pager page={page} />
                        </>
                    )
                }
            </Loaded>
        </PageBody>
    )
}
