// SPDX-License-Identifier: Apache-2.0
//
// selection.ts - the list of webhooks as the address asks for it: filtered and sorted. Pure.
import type { Spark } from '../api/stats'
import type { Endpoint } from '../api/types'
import { isInTrouble, standingOf } from './standing'

export interface Wanted {
    status: string
    event: string
    q: string
    sort: string
}

/** Does one of its types or patterns cover that one? None of its own: all. */
export function subscribes(endpoint: Endpoint, type: string): boolean {
    return (
        endpoint.event_types.length === 0 ||
        endpoint.event_types.some((p) => p === type || (p.endsWith('*') && type.startsWith(p.slice(0, -1))))
    )
}

function fits(endpoint: Endpoint, wanted: Wanted): boolean {
    const standing = standingOf(endpoint)
    const q = wanted.q.toLowerCase()
    return (
        (wanted.status === '' ||
            standing === wanted.status ||
            (wanted.status === 'trouble' && isInTrouble(endpoint))) &&
        (wanted.event === '' || subscribes(endpoint, wanted.event)) &&
        (q === '' || endpoint.name.toLowerCase().includes(q) || endpoint.url.toLowerCase().includes(q))
    )
}

/** Newest first, or by `sort`: "volume" (attempts of 7 days), "failing" (in trouble, then most failures). */
export function chooseEndpoints(rows: Endpoint[], wanted: Wanted, sparks: Map<string, Spark>): Endpoint[] {
    const sent = (e: Endpoint) => sparks.get(e.id)?.attempts ?? 0
    const failed = (e: Endpoint) => sparks.get(e.id)?.failed_attempts ?? 0
    const chosen = rows.filter((e) => fits(e, wanted))
    if (wanted.sort === 'volume') {
        return chosen.sort((a, b) => sent(b) - sent(a))
    }
    if (wanted.sort === 'failing') {
        const trouble = (e: Endpoint) => Number(isInTrouble(e))
        return chosen.sort((a, b) => trouble(b) - trouble(a) || failed(b) - failed(a))
    }
    return chosen
}
