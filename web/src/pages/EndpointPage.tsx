// SPDX-License-Identifier: Apache-2.0
//
// EndpointPage - one webhook: how it stands and why, what it is set to, how it did, what can be done.
import { useSignal } from '@preact/signals'
import { useLocation, useRoute } from 'preact-iso'
import { Problem } from '../api/client'
import { deleteEndpoint, getEndpoint, pauseEndpoint, resumeEndpoint } from '../api/endpoints'
import { endpointStats, type Stats } from '../api/stats'
import type { Endpoint } from '../api/types'
import { isInTrouble, reasonOf, standingOf } from '../lib/standing'
import { Confirm } from '../parts/Confirm'
import { Copyable } from '../parts/Copy'
import { RecentDeliveries } from '../parts/RecentDeliveries'
import { SecretCard } from '../parts/SecretCard'
import { PageBody } from '../parts/Shell'
import { Loaded } from '../parts/States'
import { StatusBadge } from '../parts/StatusBadge'
import { TestDialog } from '../parts/TestDialog'
import { toast } from '../parts/Toast'
import { CreatedBy, WebhookConfig } from '../parts/WebhookConfig'
import { WebhookCharts } from '../parts/WebhookCharts'
import { WebhookHealth } from '../parts/WebhookHealth'
import { useQuery } from '../state/query'
import { useZone } from '../state/zone'

function Attention({ endpoint, stats, onResume }: { endpoint: Endpoint; stats: Stats | undefined; onResume: () => void }) {
    const zone = useZone()
    const reason = reasonOf(endpoint)
    if (reason === '') {
        return null
    }
    const top = isInTrouble(endpoint) ? stats?.most_common_error : undefined
    const token = top?.token
    return (
        <div class={`banner ${isInTrouble(endpoint) ? 'failed' : 'retrying'}`} role="status">
            <div class="stack tight">
                <p>
                    <strong>{reason}</strong>
                </p>
                {top != null && (
                    <p>
                        Most common failure of the last 24 hours:{' '}
                        {token == null ? `HTTP ${top.code ?? ''}` : <a href={`/docs/errors/${token}`}>{token}</a>}
                        {token != null && top.code !== null && ` (HTTP ${top.code})`}, {top.count === 1 ? 'once' : `${top.count} times`}.
                    </p>
                )}
                <p class="row">
                    <a href={`${zone.endpoint(endpoint.id, 'deliveries')}?status=failed`}>View details →</a>
                    {zone.canManage && endpoint.status !== 'active' && (
                        <button type="button" class="button small" onClick={onResume}>
                            Resume Webhook
                        </button>
                    )}
                </p>
            </div>
        </div>
    )
}

export default function EndpointPage() {
    const zone = useZone()
    const location = useLocation()
    const id = useRoute().params['endpoint'] ?? ''
    const query = useQuery(`${zone.app} ${id}`, (signal) => getEndpoint(zone.app, id, signal))
    const day = useQuery(`${zone.app} ${id}`, (signal) => endpointStats(zone.app, id, '24h', signal))
    const deleting = useSignal(false)
    const rolling = useSignal(false)
    const testing = useSignal(false)

    const toggle = async (endpoint: Endpoint) => {
        try {
            const next = await (endpoint.status === 'active' ? pauseEndpoint : resumeEndpoint)(zone.app, id)
            query.set(next)
            toast(next.status === 'active' ? 'Resumed' : 'Paused: new events are held')
        } catch (error) {
            toast(error instanceof Problem ? error.message : String(error))
        }
    }
    const button = (text: string, onClick: () => void, more = '') => (
        <button type="button" class={`button ${more}`} onClick={onClick}>
            {text}
        </button>
    )
    return (
        <Loaded query={query}>
            {(endpoint) => (
                <PageBody
                    title={endpoint.name}
                    {...(isInTrouble(endpoint) ? { mark: '(failing)' } : {})}
                    lead={
                        <>
                            <div class="row">
                                <StatusBadge status={standingOf(endpoint)} />
                                <Copyable text={endpoint.url} what="URL" />
                            </div>
                            <CreatedBy endpoint={endpoint} />
                        </>
                    }
                    actions={
                        zone.canManage && (
                            <>
                                <a class="button" href={zone.endpoint(id, 'edit')}>
                                    Edit
                                </a>
                                <a class="button" href={zone.endpoint(id, 'test')}>
                                    Test
                                </a>
                                {button(endpoint.status === 'active' ? 'Pause' : 'Resume', () => void toggle(endpoint))}
                                {button('Delete', () => (deleting.value = true), 'danger')}
                            </>
                        )
                    }
                >
                    <Attention
                        endpoint={endpoint}
                        stats={day.state.value.data}
                        onResume={() => void toggle(endpoint)}
                    />
                    <Loaded query={day} rows={3}>
                        {(stats) => <WebhookHealth stats={stats} zone={zone} id={id} />}
                    </Loaded>
                    <WebhookCharts id={id} />
                    <RecentDeliveries id={id} />
                    <WebhookConfig
                        endpoint={endpoint}
                        secret={
                            <SecretCard
                                endpoint={endpoint}
                                onChange={query.set}
                                rolling={rolling.value}
                                onRolling={(open) => (rolling.value = open)}
                            />
                        }
                    />
                    {zone.canManage && (
                        <section class="stack" aria-labelledby="actions">
                            <h2 id="actions">Quick Actions</h2>
                            <div class="row">
                                {button('Send Test Event', () => (testing.value = true))}
                                {button(
                                    endpoint.status === 'active' ? 'Pause Webhook' : 'Resume Webhook',
                                    () => void toggle(endpoint),
                                )}
                                {endpoint.secret_scope === 'endpoint' &&
                                    button('Rotate Secret Key', () => (rolling.value = true))}
                                {button('Delete Webhook', () => (deleting.value = true), 'danger')}
                            </div>
                        </section>
                    )}
                    <TestDialog endpoint={testing.value ? endpoint : undefined} onClose={() => (testing.value = false)} />
                    <Confirm
                        title={`Delete ${endpoint.name}?`}
                        action="Delete Webhook"
                        danger
                        open={deleting.value}
                        onClose={() => (deleting.value = false)}
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
