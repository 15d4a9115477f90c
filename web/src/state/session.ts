// SPDX-License-Identifier: Apache-2.0
//
// session.ts - who is signed in. An API key stays in the tab (sessionStorage) and nowhere else.
import { computed, signal } from '@preact/signals'

const storage = 'postern.key'

function stored(): string {
    try {
        return sessionStorage.getItem(storage) ?? ''
    } catch {
        return ''
    }
}

/** `#key=pst_...` in the address signs in and vanishes from it (the start of a development server prints it). */
function fromAddress(): string {
    const found = /^#key=([\x21-\x7e]{32,128})$/.exec(location.hash)
    if (found === null) {
        return ''
    }
    history.replaceState(history.state, '', location.pathname + location.search)
    return decodeURIComponent(found[1] ?? '')
}

export const key = signal(stored())
export const expired = signal(false)
export const isSignedIn = computed(() => key.value !== '')

export function signIn(text: string): void {
    try {
        sessionStorage.setItem(storage, text)
    } catch {
        // Without storage the key lasts until the page is loaded again.
    }
    expired.value = false
    key.value = text
}

export function signOut(): void {
    try {
        sessionStorage.removeItem(storage)
    } catch {
        // Nothing was stored.
    }
    key.value = ''
}

/** The server said 401. */
export function signedOut(): void {
    if (key.value !== '') {
        expired.value = true
        signOut()
    }
}

const given = fromAddress()
if (given !== '') {
    signIn(given)
}
