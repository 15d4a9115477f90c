// SPDX-License-Identifier: Apache-2.0
import { get, type Page } from './client'
import { everyPage } from './pages'
import type { EventType } from './types'

/** All types that may be subscribed to, by name. */
export async function readCatalogue(signal?: AbortSignal): Promise<EventType[]> {
    const all = await everyPage((cursor) => get<Page<EventType>>('/event-types', { limit: 250, cursor }, signal))
    return all.rows.filter((type) => !type.archived).sort((a, b) => (a.name < b.name ? -1 : 1))
}
