// SPDX-License-Identifier: Apache-2.0
//
// TestBeforeSaving - sends a test event to the URL of the form, from the server, before anything is saved. The
// secret that signed it is kept for the webhook, so that the receiver can be ready for it.
import { useSignal } from '@preact/signals'
import { testUrl, type TestResult } from '../api/endpoints'
import type { EventType } from '../api/types'
import { parseField } from '../lib/draft'
import { useSubmit } from '../lib/submit'
import { useZone } from '../state/zone'
import { Copyable } from './Copy'
import { SelectField, TextField } from './Field'
import type { SectionProps } from './form'
import { ProblemBanner } from './States'
import { TestOutcome, TestProgress } from './TestOutcome'

interface Props extends SectionProps {
    catalogue: EventType[]
    /** Saves the form as it is, paused. */
    onSaveAnyway: () => void
    keepsSecret: boolean
}

export function TestBeforeSaving({ draft, set, catalogue, onSaveAnyway, keepsSecret }: Props) {
    const zone = useZone()
    const submit = useSubmit()
    const type = useSignal('test.ping')
    const sample = useSignal(true)
    const data = useSignal('{}')
    const unreadable = useSignal(false)
    const result = useSignal<TestResult | undefined>(undefined)
    const url = draft.url.trim()

    const send = async () => {
        const parsed = parseField(data.value)
        result.value = undefined
        unreadable.value = !sample.value && parsed === undefined
        if (unreadable.value) {
            return
        }
        await submit.run(async () => {
            const answer = await testUrl(zone.app, {
                url,
                event_type: type.value,
                timeout_ms: draft.timeoutS * 1000,
                ...(draft.secret === '' ? {} : { secret: draft.secret }),
                ...(sample.value ? {} : { data: parsed?.value as never }),
            })
            result.value = answer
            if (keepsSecret && answer.secret !== undefined && draft.secret === '') {
                set({ secret: answer.secret })
            }
        })
    }
    return (
        <>
            <SelectField
                label="Event Type"
                value={type.value}
                options={['test.ping', ...catalogue.map((t) => t.name)].map((name) => [name, name])}
                onChange={(name) => (type.value = name)}
            />
            <label class="choice">
                <input
                    type="checkbox"
                    checked={sample.value}
                    onChange={(event) => (sample.value = event.currentTarget.checked)}
                />
                Use Sample Data
            </label>
            {!sample.value && (
                <TextField
                    label="Data (JSON)"
                    rows={5}
                    value={data.value}
                    onInput={(v) => (data.value = v)}
                    fault={unreadable.value ? 'This is not JSON.' : undefined}
                />
            )}
            <div>
                <button
                    type="button"
                    class="button"
                    disabled={submit.busy.value || url === ''}
                    onClick={() => void send()}
                >
                    Send Test Event
                </button>
            </div>
            {submit.busy.value && <TestProgress url={url} />}
            {submit.problem.value !== undefined && <ProblemBanner problem={submit.problem.value} />}
            {result.value !== undefined && (
                <TestOutcome result={result.value}>
                    {!result.value.ok && (
                        <>
                            <button type="button" class="button small" onClick={() => void send()}>
                                Retry Test
                            </button>
                            <button type="button" class="button small" onClick={onSaveAnyway}>
                                Save Anyway
                            </button>
                        </>
                    )}
                </TestOutcome>
            )}
            {keepsSecret && draft.secret !== '' && (
                <div class="stack tight">
                    <p>Tests are signed with this secret, and so will be the webhook when you create it:</p>
                    <Copyable text={draft.secret} what="secret" />
                </div>
            )}
        </>
    )
}
