// SPDX-License-Identifier: Apache-2.0
//
// standing.ts - how a webhook stands, in one of five words, and why. Pure.
import type { Endpoint } from '../api/types'
import { absoluteTime } from './time'

/** active, failing (derived), paused (by a person), disabled (by the sender), circuit_open (for a moment). */
export type Standing = 'active' | 'failing' | 'paused' | 'disabled' | 'circuit_open'

export const standings: [Standing, string][] = [
    ['active', 'Active'],
    ['paused', 'Paused'],
    ['failing', 'Failing'],
    ['circuit_open', 'Circuit open'],
    ['disabled', 'Inactive'],
]

type Seen = Pick<Endpoint, 'status' | 'status_detail' | 'status_reason' | 'health'>

export function standingOf(endpoint: Seen): Standing {
    if (endpoint.status !== 'active') {
        return endpoint.status
    }
    const circuit = endpoint.health.circuit.state
    if (circuit === 'open' || circuit === 'half_open') {
        return 'circuit_open'
    }
    return endpoint.health.failing ? 'failing' : 'active'
}

/** Needs a person: deliveries fail, or are not sent because they failed. */
export function isInTrouble(endpoint: Seen): boolean {
    return ['failing', 'disabled', 'circuit_open'].includes(standingOf(endpoint))
}

const n = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`

/** Why it stands so; "" when there is nothing to say. */
export function reasonOf(endpoint: Seen, utc = false): string {
    const { health } = endpoint
    switch (standingOf(endpoint)) {
        case 'disabled':
            return endpoint.status_detail ?? 'Disabled.'
        case 'paused':
            return 'Paused by a person. New events are held.'
        case 'circuit_open':
            return health.circuit.half_open_at === null
                ? 'Most attempts failed. One is tried now.'
                : `Most attempts failed. Resumes at ${absoluteTime(Date.parse(health.circuit.half_open_at), utc).slice(11, 16)}.`
        case 'failing':
            return `${n(health.consecutive_failures, 'failed attempt')} in a row.`
        case 'active':
            return health.stale
                ? 'No success for a long time.'
                : health.rate_limited_until !== null
                  ? 'At its rate limit; deliveries wait.'
                  : ''
    }
}
