// SPDX-License-Identifier: Apache-2.0
//
// SignIn - asks for an API key; it stays in this tab.
import { useSignal } from '@preact/signals'
import { expired, signIn } from '../state/session'
import { TextField } from './Field'

export function SignIn() {
    const text = useSignal('')
    const fault = useSignal<string | undefined>(undefined)
    const busy = useSignal(false)
    const submit = async (event: Event) => {
        event.preventDefault()
        busy.value = true
        fault.value = undefined
        try {
            const response = await fetch('/api/v1/apps?limit=1', {
                headers: { Authorization: `Bearer ${text.value.trim()}` },
            })
            if (response.ok) {
                signIn(text.value.trim())
            } else {
                fault.value =
                    response.status === 401
                        ? 'This key is not known here, or it has expired.'
                        : `The server answered ${response.status}.`
            }
        } catch {
            fault.value = 'The server cannot be reached. Is it running?'
        } finally {
            busy.value = false
        }
    }
    return (
        <main class="sign-in">
            <h1>Sign in to Postern</h1>
            {expired.value && (
                <div class="banner retrying" role="status">
                    Your key was refused. Sign in again; the page stays.
                </div>
            )}
            <form class="stack" onSubmit={(event) => void submit(event)}>
                <TextField
                    label="API key"
                    type="password"
                    autocomplete="current-password"
                    required
                    value={text.value}
                    onInput={(value) => {
                        text.value = value
                    }}
                    fault={fault.value}
                    help="The server prints it at its first start. It is kept in this tab only."
                />
                <div>
                    <button type="submit" class="button primary" disabled={busy.value || text.value === ''}>
                        Sign in
                    </button>
                </div>
            </form>
        </main>
    )
}
