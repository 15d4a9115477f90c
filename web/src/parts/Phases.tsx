// SPDX-License-Identifier: Apache-2.0
//
// Phases - where the time of an attempt went: a bar, and the same as a list.
import type { Attempt } from '../api/types'

const names = ['dns', 'connect', 'tls', 'wait', 'read'] as const
const words: Record<(typeof names)[number], string> = {
    dns: 'Name',
    connect: 'Connect',
    tls: 'TLS',
    wait: 'Wait',
    read: 'Read',
}

export function Phases({ attempt }: { attempt: Attempt }) {
    const parts = names.map((name) => ({ name, ms: attempt.phases[name] }))
    const all = parts.reduce((sum, p) => sum + (p.ms ?? 0), 0)
    return (
        <div class="phases">
            {all > 0 && (
                <div class="phases-bar" aria-hidden="true">
                    {parts.map((p) => (
                        <span class={`phase-${p.name}`} style={{ flexGrow: p.ms ?? 0 }} key={p.name} />
                    ))}
                </div>
            )}
            <ul class="row muted number">
                {parts.map((p) => (
                    <li key={p.name}>
                        {words[p.name]} {p.ms === null ? 'not reached' : `${Math.round(p.ms * 10) / 10} ms`}
                    </li>
                ))}
            </ul>
        </div>
    )
}
