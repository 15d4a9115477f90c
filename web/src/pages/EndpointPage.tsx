// SPDX-License-Identifier: Apache-2.0
//
// EndpointPage - one webhook.
import { useSignal } from '@preact/signals'
import { useLocation, useRoute } from 'preact-iso'
import { deleteEndpoint, getEndpoint, pauseEndpoint, resumeEndpoint } from '../api/endpoints'
import type { Endpoint } from '../api/types'
import { duration } from '../lib/time'
import { Confirm } from '../parts/Confirm'
import { Copyable } from '../parts/Copy'
import { PageBody } from '../parts/Shell'
import { Loaded } from '../parts/States'
import { StatusBadge } from '../parts/StatusBadge'
import { Time } from '../parts/Time'
import { toast } from '../parts/Toast'
import { useQuery } from '../state/query'
import { useZone } from '../state/zone'

function Facts({ endpoint }: { endpoint: Endpoint }) {
    return (
        <dl class="facts card">
            <dt>Endpoint</dt>
            <dd>
                <Copyable text={endpoint.url} what="URL" />
            </dd>
            <dt>ID</dt>
            <dd>
                <Copyable text={endpoint.id} what="ID" />
            </dd>
            <dt>Events</dt>
            <dd>{endpoint.event_types.length === 0 ? 'All events' : endpoint.event_types.join(', ')}</dd>
            <dt>Timeout</dt>
            <dd>{duration(endpoint.timeout_ms)}</dd>
            <dt>Created</dt>
            <dd>
                <Time at={endpoint.created_at} form="absolute" />
                {endpoint.created_by === null ? '' : ` by ${endpoint.created_by}`}
            </dd>
            <dt>Last delivery</dt>
            <dd>
                <Time at={endpoint.last_success_at} none="Never" />
            </dd>
        </dl>
    )
}

export default function EndpointPage() {
    const zone = useZone()
    const location = useLocation()
    const id = useRoute().params['endpoint'] ?? ''
    const query = useQuery(`${zone.app} ${id}`, (signal) => getEndpoint(zone.app, id, signal))
    const deleting = useSignal(false)

    const toggle = async (endpoint: Endpoint) => {
        const next = await (endpoint.status === 'active' ? pauseEndpoint : resumeEndpoint)(zone.app, id)
        query.set(next)
        toast(next.status === 'active' ? 'Resumed' : 'Paused: new events are held')
    }
    return (
        <Loaded query={query}>
            {(endpoint) => (
                <PageBody
                    title={endpoint.name}
                    lead={<StatusBadge status={endpoint.status} />}
                    actions={
                        zone.canManage && (
                            <>
                                <button type="button" class="button" onClick={() => void toggle(endpoint)}>
                                    {endpoint.status === 'active' ? 'Pause' : 'Resume'}
                                </button>
                                <button
                                    type="button"
                                    class="button danger"
                                    onClick={() => {
                                        deleting.value = true
                                    }}
                                >
                                    Delete
                                </button>
                            </>
                        )
                    }
                >
                    <Facts endpoint={endpoint} />
                    <Confirm
                        title={`Delete ${endpoint.name}?`}
                        action="Delete Webhook"
                        danger
                        open={deleting.value}
                        onClose={() => {
                            deleting.value = false
                        }}
                        onConfirm={async () => {
                            await deleteEndpoint(zone.app, id)
                            location.route(zone.endpoints)
                        }}
                    >
                        <p>This cannot be undone; history stays 30 days.</p>
                    </Confirm>
                </PageBody>
            )}
        </Loaded>
    )
}
