// SPDX-License-Identifier: Apache-2.0
//
// WebhookTiles - the four numbers over the list of webhooks.
import type { Stats } from '../api/stats'
import type { Endpoint } from '../api/types'
import { isInTrouble } from '../lib/standing'
import { count, share } from '../lib/number'

interface Props {
    endpoints: Endpoint[]
    /** undefined: not known yet. */
    today: Stats | undefined
    onFailing: () => void
}

export function WebhookTiles({ endpoints, today, onFailing }: Props) {
    const failing = endpoints.filter(isInTrouble).length
    const attempts = today?.attempts
    return (
        <dl class="tiles">
            <div class="card tile">
                <dt>Active Webhooks</dt>
                <dd>{count(endpoints.filter((e) => e.status === 'active').length)}</dd>
            </div>
            <div class="card tile">
                <dt>Events Delivered Today</dt>
                <dd>{today === undefined ? '…' : count(today.deliveries.delivered)}</dd>
            </div>
            <div class="card tile">
                <dt>Success Rate</dt>
                <dd>{attempts === undefined ? '…' : share(attempts.succeeded, attempts.total)}</dd>
                <dd class="note">
                    {attempts === undefined ? '' : `of ${count(attempts.total)} attempts today`}
                </dd>
            </div>
            <div class={`card tile ${failing > 0 ? 'bad' : ''}`}>
                <dt>Failing Webhooks</dt>
                <dd>{count(failing)}</dd>
                {failing > 0 && (
                    <dd class="note">
                        <button type="button" class="button small" onClick={onFailing}>
                            Show {count(failing)} failing
                        </button>
                    </dd>
                )}
            </div>
        </dl>
    )
}
