// SPDX-License-Identifier: Apache-2.0
//
// SecretReveal - a secret, once. It closes only after the person said that it is kept.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { Copyable } from './Copy'
import { Dialog } from './Dialog'

interface Props {
    title: string
    secret: string
    id: string
    onClose: () => void
    /** Where to go from here; there once the secret is kept. */
    children?: ComponentChildren
}

export function SecretReveal({ title, secret, id, onClose, children }: Props) {
    const kept = useSignal(false)
    return (
        <Dialog title={title} open onClose={onClose}>
            <dl class="facts">
                <dt>Webhook ID</dt>
                <dd>
                    <Copyable text={id} what="ID" />
                </dd>
                <dt>Secret Key</dt>
                <dd>
                    <Copyable text={secret} what="secret" />
                </dd>
            </dl>
            <div class="banner retrying">
                ⚠️ Save this secret key. You won't be able to see it again.
            </div>
            <label class="choice">
                <input
                    type="checkbox"
                    checked={kept.value}
                    onChange={(event) => {
                        kept.value = event.currentTarget.checked
                    }}
                />
                I've copied this
            </label>
            {kept.value && children}
            <div>
                <button type="button" class="button primary" disabled={!kept.value} onClick={onClose}>
                    Done
                </button>
            </div>
        </Dialog>
    )
}
