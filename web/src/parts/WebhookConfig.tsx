// SPDX-License-Identifier: Apache-2.0
//
// WebhookConfig - what a webhook is set to, in short, with ways to change it.
import type { ComponentChildren } from 'preact'
import { serverFacts } from '../api/server'
import type { Endpoint } from '../api/types'
import { planText } from '../lib/retryPlan'
import { duration } from '../lib/time'
import { useQuery } from '../state/query'
import { useZone } from '../state/zone'
import { Copyable } from './Copy'
import { Time } from './Time'

function filtersOf(endpoint: Endpoint): Record<string, unknown> {
    const { workspaces, campaigns, contact_tags: tags, channels, filter } = endpoint
    return {
        ...(workspaces.length > 0 ? { workspaces } : {}),
        ...(campaigns.length > 0 ? { campaigns } : {}),
        ...(tags.length > 0 ? { 'contact.tags': tags } : {}),
        ...(channels.length > 0 ? { channels } : {}),
        ...(filter ?? {}),
    }
}

function Retries({ endpoint }: { endpoint: Endpoint }) {
    const facts = useQuery('', (signal) => serverFacts(signal)).state.value.data
    const { retry } = endpoint
    const delays =
        typeof retry.schedule === 'string'
            ? facts?.retry_presets.find((p) => p.name === retry.schedule)?.delays_s
            : retry.schedule
    return !retry.enabled ? (
        <>Off: one attempt</>
    ) : (
        <>
            {retry.max_attempts} attempts with exponential backoff
            {delays !== undefined && <div class="muted">{planText(delays, retry.max_attempts)}</div>}
        </>
    )
}

const longDate = new Intl.DateTimeFormat('en', { dateStyle: 'long' })

export function CreatedBy({ endpoint }: { endpoint: Endpoint }) {
    const by = endpoint.origin?.name ?? endpoint.created_by
    return (
        <p class="muted">
            Created: <time dateTime={endpoint.created_at}>{longDate.format(new Date(endpoint.created_at))}</time>
            {by === null ? '' : ` by ${by}`}
        </p>
    )
}

export function WebhookConfig({ endpoint, secret }: { endpoint: Endpoint; secret: ComponentChildren }) {
    const zone = useZone()
    const filters = filtersOf(endpoint)
    const edit = (text: string) => zone.canManage && <a href={zone.endpoint(endpoint.id, 'edit')}>{text}</a>
    return (
        <section class="stack" aria-labelledby="configuration">
            <h2 id="configuration">Configuration Summary</h2>
            <dl class="facts card">
                <dt>Endpoint</dt>
                <dd>
                    <Copyable text={endpoint.url} what="URL" />
                </dd>
                <dt>Webhook ID</dt>
                <dd>
                    <Copyable text={endpoint.id} what="ID" />
                </dd>
                {endpoint.description !== '' && (
                    <>
                        <dt>Description</dt>
                        <dd>{endpoint.description}</dd>
                    </>
                )}
                <dt>Event Subscriptions</dt>
                <dd class="stack tight">
                    {endpoint.event_types.length === 0 ? (
                        <span>All events</span>
                    ) : (
                        <details open={endpoint.event_types.length <= 8}>
                            <summary>{endpoint.event_types.length} events</summary>
                            <ul class="mono">
                                {endpoint.event_types.map((type) => (
                                    <li key={type}>{type}</li>
                                ))}
                            </ul>
                        </details>
                    )}
                    {edit('Edit Events')}
                </dd>
                <dt>Event Filters</dt>
                <dd class="stack tight">
                    {Object.keys(filters).length === 0 ? (
                        <span>None</span>
                    ) : (
                        <pre class="code" tabIndex={0} aria-label="Filters">
                            {JSON.stringify(filters, null, 2)}
                        </pre>
                    )}
                    {edit('Edit Filters')}
                </dd>
                <dt>Payload</dt>
                <dd>
                    {endpoint.payload_style === 'thin' ? 'Thin' : 'Snapshot'}, {endpoint.envelope} envelope
                    {endpoint.transform !== null && (
                        <>
                            , transformed by <code>{endpoint.transform.expression}</code>
                        </>
                    )}
                </dd>
                <dt>Secret Key</dt>
                <dd>{secret}</dd>
                <dt>Signatures</dt>
                <dd>{endpoint.signature_profiles.join(', ')}</dd>
                <dt>Retry Attempts</dt>
                <dd>
                    <Retries endpoint={endpoint} />
                </dd>
                <dt>Timeout</dt>
                <dd>{duration(endpoint.timeout_ms)}</dd>
                <dt>Last delivery</dt>
                <dd>
                    <Time at={endpoint.last_success_at} none="Never" />
                </dd>
            </dl>
        </section>
    )
}
