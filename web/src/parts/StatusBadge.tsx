// SPDX-License-Identifier: Apache-2.0
//
// StatusBadge - a state as shape, word and colour; the colour is the third signal.
import type { JSX } from 'preact'

export type Tone = 'delivered' | 'failed' | 'retrying' | 'pending' | 'off'

const shapes: Record<Tone | 'stopped', JSX.Element> = {
    delivered: (
        <>
            <circle cx="8" cy="8" r="6.5" />
            <path d="m5 8.2 2.1 2.1L11 6.2" />
        </>
    ),
    failed: (
        <>
            <path d="M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3z" />
            <path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4" />
        </>
    ),
    retrying: (
        <>
            <path d="M8 1.8 14.8 14H1.2z" />
            <path d="M8 6v4m0 1.6v.6" />
        </>
    ),
    pending: (
        <>
            <circle cx="8" cy="8" r="6.5" />
            <path d="M8 4.5V8l2.4 1.6" />
        </>
    ),
    off: (
        <>
            <path d="M5.5 3.5v9m5-9v9" />
        </>
    ),
    stopped: (
        <>
            <circle cx="8" cy="8" r="6.5" />
            <path d="m3.6 3.6 8.8 8.8" />
        </>
    ),
}

/** Words for a state of the API; what is not known is shown as it is, in the neutral tone. */
const states: Record<string, [Tone, string]> = {
    active: ['delivered', 'Active'],
    paused: ['off', 'Paused'],
    disabled: ['off', 'Inactive'],
    failing: ['failed', 'Failing'],
    circuit_open: ['retrying', 'Circuit open'],
    pending: ['pending', 'Pending'],
    sending: ['pending', 'Sending'],
    retrying: ['retrying', 'Retrying'],
    delivered: ['delivered', 'Delivered'],
    failed: ['failed', 'Failed'],
    cancelled: ['off', 'Cancelled'],
    filtered: ['off', 'Filtered'],
    skipped: ['off', 'Skipped'],
    held: ['off', 'Held'],
    not_matched: ['off', 'Not subscribed'],
}

export function StatusIcon({ tone }: { tone: keyof typeof shapes }) {
    return (
        <svg
            width="16"
            height="16"
            viewBox="0 0 16 16"
            fill="none"
            stroke="currentColor"
            stroke-width="1.5"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
        >
            {shapes[tone]}
        </svg>
    )
}

export function StatusBadge({ status, children }: { status: string; children?: string }) {
    const [tone, word] = states[status] ?? ['off', status]
    return (
        <span class={`badge ${tone}`} data-status={status}>
            <StatusIcon tone={status === 'disabled' ? 'stopped' : tone} />
            {children ?? word}
        </span>
    )
}
