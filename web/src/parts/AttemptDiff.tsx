// SPDX-License-Identifier: Apache-2.0
//
// AttemptDiff - what two attempts of a delivery differ in: request headers and answers.
import { useSignal } from '@preact/signals'
import type { Attempt } from '../api/types'
import { diffLines } from '../lib/diff'
import { SelectField } from './Field'

function asText(attempt: Attempt): string {
    const lines = (list: { name: string; value: string }[]) => list.map((h) => `${h.name}: ${h.value}`)
    const answer =
        attempt.response === null
            ? [`no response: ${attempt.error ?? 'unknown'}`]
            : [`HTTP ${attempt.response.status}`, ...lines(attempt.response.headers), '', attempt.response.body]
    return [`POST ${attempt.url}`, ...lines(attempt.request.headers), '', ...answer].join('\n')
}

export function AttemptDiff({ attempts }: { attempts: Attempt[] }) {
    const from = useSignal(0)
    const chosen = useSignal<number | undefined>(undefined)
    const to = chosen.value ?? attempts.length - 1
    const options = attempts.map((a, i): [string, string] => [String(i), `Attempt ${a.number}`])
    const before = attempts[from.value]
    const after = attempts[to]
    if (attempts.length < 2 || before === undefined || after === undefined) {
        return null
    }
    const lines = diffLines(asText(before), asText(after))
    const changed = lines.filter((line) => line.kind !== 'same')
    return (
        <details class="card">
            <summary>Compare two attempts</summary>
            <div class="stack" style={{ marginTop: 'var(--s4)' }}>
                <div class="row">
                    <SelectField
                        label="From"
                        value={String(from.value)}
                        options={options}
                        onChange={(v) => {
                            from.value = Number(v)
                        }}
                    />
                    <SelectField
                        label="To"
                        value={String(to)}
                        options={options}
                        onChange={(v) => {
                            chosen.value = Number(v)
                        }}
                    />
                </div>
                {changed.length === 0 ? (
                    <p class="muted">They are the same.</p>
                ) : (
                    <pre class="code" tabIndex={0} aria-label="Only what changed">
                        {changed.map((line, i) => (
                            <div class={`diff-${line.kind}`} key={i}>
                                {line.kind === 'added' ? '+ ' : '− '}
                                {line.text}
                            </div>
                        ))}
                    </pre>
                )}
            </div>
        </details>
    )
}
