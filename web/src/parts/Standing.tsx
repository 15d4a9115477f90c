// SPDX-License-Identifier: Apache-2.0
//
// Standing - the state of a webhook with its reason, and what it means on a page of its own.
import type { Endpoint } from '../api/types'
import { reasonOf, standingOf } from '../lib/standing'
import { StatusBadge } from './StatusBadge'
import { utc } from './Time'

export function Standing({ endpoint }: { endpoint: Endpoint }) {
    const reason = reasonOf(endpoint, utc.value)
    return (
        <div>
            <StatusBadge status={standingOf(endpoint)} />
            {reason !== '' && <div class="muted reason">{reason}</div>}
        </div>
    )
}
