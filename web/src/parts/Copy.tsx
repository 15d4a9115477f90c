// SPDX-License-Identifier: Apache-2.0
//
// Copy - a button that copies a text and says so where it stands.
import { useSignal } from '@preact/signals'

interface Props {
    text: string
    /** What is copied, for the button's name: "Copy ID". */
    what: string
    label?: boolean
}

export function Copy({ text, what, label = false }: Props) {
    const copied = useSignal(false)
    const copy = async () => {
        await navigator.clipboard.writeText(text)
        copied.value = true
        setTimeout(() => {
            copied.value = false
        }, 2000)
    }
    return (
        <button
            type="button"
            class="button small bare"
            aria-label={copied.value ? `${what} copied` : `Copy ${what}`}
            onClick={() => void copy()}
        >
            {copied.value ? 'Copied' : label ? `Copy ${what}` : 'Copy'}
        </button>
    )
}

/** An id, URL or header with its copy button. */
export function Copyable({ text, what }: { text: string; what: string }) {
    return (
        <span class="row copyable">
            <code>{text}</code>
            <Copy text={text} what={what} />
        </span>
    )
}
