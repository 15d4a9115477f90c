// SPDX-License-Identifier: Apache-2.0
//
// DeliveryPage - one delivery: what happened, attempt by attempt, and what can be done.
import { useRoute } from 'preact-iso'
import { Problem } from '../api/client'
import { cancelDelivery, getDelivery, retryDelivery } from '../api/deliveries'
import type { DeliveryDetail } from '../api/types'
import { AttemptDiff } from '../parts/AttemptDiff'
import { Attempts } from '../parts/Attempts'
import { Copyable } from '../parts/Copy'
import { PageBody } from '../parts/Shell'
import { Loaded } from '../parts/States'
import { StatusBadge } from '../parts/StatusBadge'
import { Time } from '../parts/Time'
import { toast } from '../parts/Toast'
import { useQuery } from '../state/query'
import { useZone, type Zone } from '../state/zone'

function Facts({ delivery, zone }: { delivery: DeliveryDetail; zone: Zone }) {
    return (
        <dl class="facts card">
            <dt>Delivery</dt>
            <dd>
                <Copyable text={delivery.id} what="delivery ID" />
            </dd>
            <dt>Event</dt>
            <dd class="row">
                {delivery.event_type ?? 'a type that is gone'}
                {delivery.event_id !== null && (
                    <>
                        <a href={zone.event(delivery.event_id)}>View Event</a>
                        <Copyable text={delivery.event_id} what="event ID" />
                    </>
                )}
            </dd>
            <dt>Webhook</dt>
            <dd>
                {delivery.endpoint_id === null ? (
                    'gone'
                ) : (
                    <a href={zone.endpoint(delivery.endpoint_id)}>{delivery.endpoint_id}</a>
                )}
            </dd>
            <dt>Attempts</dt>
            <dd class="number">
                {delivery.attempt_count}/{delivery.max_attempts}
            </dd>
            {delivery.reason !== null && (
                <>
                    <dt>Reason</dt>
                    <dd>{delivery.reason}</dd>
                </>
            )}
            <dt>Created</dt>
            <dd>
                <Time at={delivery.created_at} form="absolute" />
            </dd>
            {delivery.ended_at !== null && (
                <>
                    <dt>Ended</dt>
                    <dd>
                        <Time at={delivery.ended_at} form="absolute" />
                    </dd>
                </>
            )}
        </dl>
    )
}

const retryable = ['pending', 'retrying', 'failed', 'cancelled']

export default function DeliveryPage() {
    const zone = useZone()
    const id = useRoute().params['delivery'] ?? ''
    const query = useQuery(`${zone.app} ${id}`, (signal) => getDelivery(zone.app, id, signal))

    const act = async (what: (app: string, id: string) => Promise<unknown>, done: string) => {
        try {
            await what(zone.app, id)
            toast(done)
        } catch (error) {
            toast(error instanceof Problem ? error.message : String(error))
        }
        query.reload()
    }
    return (
        <Loaded query={query}>
            {(delivery) => (
                <PageBody
                    title={`Delivery of ${delivery.event_type ?? 'an event'}`}
                    lead={
                        <div class="row">
                            <StatusBadge status={delivery.status} />
                            {delivery.held && <StatusBadge status="held" />}
                        </div>
                    }
                    actions={
                        <>
                            <button type="button" class="button" onClick={query.reload}>
                                Refresh
                            </button>
                            {zone.canManage && retryable.includes(delivery.status) && (
                                <button
                                    type="button"
                                    class="button primary"
                                    onClick={() => void act(retryDelivery, 'Queued; the attempt shows up below')}
                                >
                                    Retry now (attempt {delivery.attempt_count + 1})
                                </button>
                            )}
                            {zone.canManage && ['pending', 'retrying'].includes(delivery.status) && (
                                <button
                                    type="button"
                                    class="button danger"
                                    onClick={() => void act(cancelDelivery, 'Cancelled')}
                                >
                                    Cancel retries
                                </button>
                            )}
                        </>
                    }
                >
                    <Facts delivery={delivery} zone={zone} />
                    {delivery.attempts.length === 0 && <p class="muted">It was not sent yet.</p>}
                    <Attempts delivery={delivery} />
                    <AttemptDiff attempts={delivery.attempts} />
                </PageBody>
            )}
        </Loaded>
    )
}
