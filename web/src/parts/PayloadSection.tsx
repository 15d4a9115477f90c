// SPDX-License-Identifier: Apache-2.0
//
// PayloadSection - what an event looks like when it arrives: whole or thin, its envelope, and a transform that
// can be seen at work before it is saved.
import { useSignal } from '@preact/signals'
import { previewTransform, type TransformResult } from '../api/endpoints'
import type { EventType } from '../api/types'
import { prettyJson } from '../lib/bytes'
import { isChosen } from '../lib/eventTree'
import { useSubmit } from '../lib/submit'
import { SelectField, TextField } from './Field'
import { Radios, type SectionProps } from './form'
import { ProblemBanner } from './States'

function Result({ result }: { result: TransformResult }) {
    return result.errors.length > 0 ? (
        <div class="banner failed" role="alert">
            <ul>
                {result.errors.map((e) => (
                    <li key={e.pointer}>
                        <code>{e.pointer}</code> {e.detail}
                    </li>
                ))}
            </ul>
        </div>
    ) : (
        <pre class="code" tabIndex={0} aria-label="The body that would be sent">
            {result.body === null ? '' : (prettyJson(result.body) ?? result.body)}
        </pre>
    )
}

function Preview({ draft, catalogue }: Pick<SectionProps, 'draft'> & { catalogue: EventType[] }) {
    const result = useSignal<TransformResult | undefined>(undefined)
    const chosen = useSignal('')
    const submit = useSubmit()
    const types = catalogue.filter((t) => isChosen(draft.events, t.name))
    const type = types.find((t) => t.name === chosen.value) ?? types[0]
    const run = () =>
        submit.run(async () => {
            const resource =
                draft.style === 'thin' && type?.resource != null
                    ? { resource: { type: type.resource.type, id: 'sample' } }
                    : {}
            result.value = await previewTransform({
                payload_style: draft.style as never,
                envelope: draft.envelope as never,
                transform: (draft.transform.trim() === ''
                    ? null
                    : { language: 'jmespath', expression: draft.transform.trim() }) as never,
                type: type?.name ?? 'test.ping',
                sample: (type?.example ?? { message: 'hello' }) as never,
                ...resource,
            })
        })
    return (
        <div class="stack">
            {types.length > 0 && (
                <SelectField
                    label="Example of"
                    value={type?.name ?? ''}
                    options={types.map((t) => [t.name, t.name])}
                    onChange={(name) => (chosen.value = name)}
                />
            )}
            <div>
                <button type="button" class="button" disabled={submit.busy.value} onClick={() => void run()}>
                    Preview the body
                </button>
            </div>
            {submit.problem.value !== undefined && <ProblemBanner problem={submit.problem.value} />}
            {result.value !== undefined && <Result result={result.value} />}
        </div>
    )
}

export function StyleChoice({ draft, set, fault }: SectionProps) {
    return (
        <>
            <Radios
                label="Payload style"
                value={draft.style}
                onChange={(style) => set({ style })}
                options={[
                    ['snapshot', 'Snapshot', 'The whole state of the object at that moment. No further call to the API is needed.'],
                    [
                        'thin',
                        'Thin',
                        'Only what happened and the ID of the object; you read its present state. Naturally idempotent, and smaller.',
                    ],
                ]}
            />
            {fault('/payload_style') !== undefined && (
                <p class="bad" role="alert">
                    {fault('/payload_style')}
                </p>
            )}
        </>
    )
}

export function PayloadSection(props: SectionProps & { catalogue: EventType[] }) {
    const { draft, set, fault, catalogue } = props
    return (
        <>
            <Radios
                label="Envelope"
                value={draft.envelope}
                onChange={(envelope) => set({ envelope })}
                options={[
                    ['native', 'Native', 'id, type, created_at and data.'],
                    ['standard', 'Standard Webhooks', 'type, timestamp and data.'],
                ]}
            />
            <TextField
                label="Transform (JMESPath, optional)"
                rows={3}
                value={draft.transform}
                onInput={(transform) => set({ transform })}
                fault={fault('/transform') ?? fault('/transform/expression')}
                help={
                    <>
                        Gets the body as it would be sent; what it gives is sent instead, such as{' '}
                        <code>{"{text: join(' ', [data.name, 'signed up'])}"}</code>.
                    </>
                }
            />
            <Preview draft={draft} catalogue={catalogue} />
        </>
    )
}
