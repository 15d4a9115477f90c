// SPDX-License-Identifier: Apache-2.0
import { get, type Page } from './client'
import { everyPage } from './pages'
import type { EventType } from './types'

/** All types that may be subscribed to, in the order in which they were registered. */
export async function readCatalogue(signal?: AbortSignal): Promise<EventType[]> {
    const all = await everyPage((cursor) => get<Page<EventType>>('/event-types', { limit: 250, cursor, order: 'asc' }, signal))
    return all.rows.filter((type) => !type.archived)
}
