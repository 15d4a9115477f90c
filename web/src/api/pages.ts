// SPDX-License-Identifier: Apache-2.0
//
// pages.ts - a list that is short enough to be read whole, page by page.
import type { Page } from './client'

const pagesMax = 8

export interface Whole<T> {
    rows: T[]
    /** There is more than what was read. */
    cut: boolean
}

export async function everyPage<T>(read: (cursor: string) => Promise<Page<T>>): Promise<Whole<T>> {
    const rows: T[] = []
    let cursor = ''
    for (let i = 0; i < pagesMax; i += 1) {
        const page = await read(cursor)
        rows.push(...page.data)
        if (page.next_cursor === null) {
            return { rows, cut: false }
        }
        cursor = page.next_cursor
    }
    return { rows, cut: true }
}
