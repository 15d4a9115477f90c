// SPDX-License-Identifier: Apache-2.0
//
// WebhookRow - one webhook in the list: what it is, how it does, what can be done.
import type { Spark, Sparklines } from '../api/stats'
import type { Endpoint } from '../api/types'
import { count, share } from '../lib/number'
import type { Zone } from '../state/zone'
import { Sparkline } from './Sparkline'
import { Standing } from './Standing'
import { Subscriptions } from './Subscriptions'
import { Time } from './Time'

export type RowAction = 'test' | 'toggle' | 'delete'

interface Props {
    endpoint: Endpoint
    zone: Zone
    week: Sparklines | undefined
    spark: Spark | undefined
    day: Spark | undefined
    onAction: (action: RowAction, endpoint: Endpoint) => void
}

function Day({ day, endpoint }: { day: Spark | undefined; endpoint: Endpoint }) {
    return (
        <>
            {day === undefined || day.attempts === 0 ? (
                <div class="muted">Nothing sent</div>
            ) : (
                <>
                    <div class="number">
                        {share(day.attempts - day.failed_attempts, day.attempts)}
                        <span class="muted"> of {count(day.attempts)}</span>
                    </div>
                    <div class={`number ${day.failed_attempts > 0 ? 'bad' : 'muted'}`}>
                        {count(day.failed_attempts)} failed
                    </div>
                </>
            )}
            <div class="muted">
                Last delivery <Time at={endpoint.last_success_at} none="never" />
            </div>
        </>
    )
}

function Source({ endpoint }: { endpoint: Endpoint }) {
    return (
        <>
            <div>{endpoint.origin?.name ?? endpoint.created_by ?? '–'}</div>
            <div class="muted">
                {endpoint.origin === null ? '' : `by ${endpoint.origin.kind}, `}
                <Time at={endpoint.created_at} />
            </div>
        </>
    )
}

function Actions({ endpoint, zone, onAction }: Pick<Props, 'endpoint' | 'zone' | 'onAction'>) {
    const of = <span class="sr-only"> {endpoint.name}</span>
    const button = (action: RowAction, text: string, more = '') => (
        <button type="button" class={`button small ${more}`} onClick={() => onAction(action, endpoint)}>
            {text}
            {of}
        </button>
    )
    return (
        <div class="row row-actions">
            {zone.canManage && button('test', 'Test')}
            {zone.canManage && button('toggle', endpoint.status === 'active' ? 'Pause' : 'Resume')}
            <a class="button small" href={zone.endpoint(endpoint.id)}>
                View Details{of}
            </a>
            {zone.canManage && button('delete', 'Delete', 'danger')}
        </div>
    )
}

export function WebhookRow({ endpoint, zone, week, spark, day, onAction }: Props) {
    return (
        <tr class="table-row">
            <th scope="row" data-label="Webhook">
                <a href={zone.endpoint(endpoint.id)}>{endpoint.name}</a>
                <div class="muted mono clip" title={endpoint.url}>
                    {endpoint.url}
                </div>
            </th>
            <td data-label="Status">
                <Standing endpoint={endpoint} />
            </td>
            <td data-label="Events">
                <Subscriptions types={endpoint.event_types} />
            </td>
            <td data-label="Activity, 7 days">
                {week === undefined ? (
                    <div class="skeleton" />
                ) : spark === undefined || spark.attempts === 0 ? (
                    <span class="muted">Nothing sent</span>
                ) : (
                    <Sparkline
                        spark={spark}
                        firstAt={week.first_at}
                        intervalS={week.interval_s}
                        href={zone.endpoint(endpoint.id, 'deliveries')}
                    />
                )}
            </td>
            <td data-label="Last 24 hours">
                <Day day={day} endpoint={endpoint} />
            </td>
            <td data-label="Source">
                <Source endpoint={endpoint} />
            </td>
            <td data-label="Actions">
                <Actions endpoint={endpoint} zone={zone} onAction={onAction} />
            </td>
        </tr>
    )
}
