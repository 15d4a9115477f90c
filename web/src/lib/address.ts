// SPDX-License-Identifier: Apache-2.0
//
// address.ts - the page's filters live in its address, so that reload, Back and a sent link keep them.
import { useLocation } from 'preact-iso'

export interface Address {
    /** One parameter, "" when absent. */
    get: (name: string) => string
    /** Change some; empty ones vanish. A changed filter begins at the first page again. */
    set: (changes: Record<string, string>) => void
}

export function useAddress(): Address {
    const location = useLocation()
    const query = location.query as Record<string, string | undefined>
    return {
        get: (name) => query[name] ?? '',
        set: (changes) => {
            const next = new URLSearchParams()
            const all: Record<string, string | undefined> = { ...query, cursor: '', ...changes }
            for (const [name, value] of Object.entries(all)) {
                if (value !== undefined && value !== '') {
                    next.set(name, value)
                }
            }
            const text = next.toString()
            location.route(text === '' ? location.path : `${location.path}?${text}`, true)
        },
    }
}

/** An address of a customer's is a link only when it is https; else it is text. */
export function safeHref(url: string): string | undefined {
    try {
        return new URL(url).protocol === 'https:' ? url : undefined
    } catch {
        return undefined
    }
}
