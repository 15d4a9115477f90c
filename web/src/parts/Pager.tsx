// SPDX-License-Identifier: Apache-2.0
//
// Pager - to the next page of a list and back; the cursor stands in the address.
import type { Page } from '../api/client'
import { useAddress } from '../lib/address'

export function Pager({ page }: { page: Page<unknown> }) {
    const address = useAddress()
    if (page.next_cursor === null && page.prev_cursor === null) {
        return null
    }
    const go = (cursor: string | null) => address.set({ cursor: cursor ?? '' })
    return (
        <nav class="row" aria-label="Pages">
            <button
                type="button"
                class="button small"
                disabled={page.prev_cursor === null}
                onClick={() => go(page.prev_cursor)}
            >
                Previous
            </button>
            <button
                type="button"
                class="button small"
                disabled={page.next_cursor === null}
                onClick={() => go(page.next_cursor)}
            >
                Next
            </button>
        </nav>
    )
}
