// SPDX-License-Identifier: Apache-2.0
//
// EventData - what a test sends: a type, and its example or the data of an event that was published, seen as the
// bytes that the webhook would get, and changed by hand if wanted.
import { previewTransform } from '../api/endpoints'
import { listEvents } from '../api/deliveries'
import type { Endpoint, EventType } from '../api/types'
import { prettyJson } from '../lib/bytes'
import { absoluteTime } from '../lib/time'
import { useQuery } from '../state/query'
import { useZone } from '../state/zone'
import { SelectField, TextField } from './Field'
import { Radios } from './form'
import { Loaded } from './States'
import { utc } from './Time'

export interface TestChoice {
    type: string
    source: 'sample' | 'real'
    /** Of real data; "" for none. */
    event: string
    /** Written by hand; undefined: not changed. */
    data: string | undefined
}

interface Props {
    endpoint: Endpoint
    catalogue: EventType[]
    choice: TestChoice
    set: (changes: Partial<TestChoice>) => void
    fault: string | undefined
}

function RealData({ choice, set }: Pick<Props, 'choice' | 'set'>) {
    const zone = useZone()
    const query = useQuery(`${zone.app} ${choice.type}`, (signal) =>
        listEvents(zone.app, { type: choice.type, limit: '20' }, signal),
    )
    return (
        <Loaded query={query} rows={1}>
            {(page) =>
                page.data.length === 0 ? (
                    <p class="muted">No event of this type was published yet.</p>
                ) : (
                    <SelectField
                        label="Event"
                        value={choice.event}
                        options={[
                            ['', 'Choose an event'],
                            ...page.data.map((e): [string, string] => [
                                e.id,
                                `${absoluteTime(Date.parse(e.created_at ?? e.accepted_at ?? ''), utc.value)} ${e.id}`,
                            ]),
                        ]}
                        onChange={(event) => set({ event })}
                        help="Test event will use actual data from selected campaign/contact."
                    />
                )
            }
        </Loaded>
    )
}

/** As the server makes it for a type that is not in the catalogue. */
const ping = { message: 'This is a test event. Nothing has happened.', test: true }

function exampleOf(catalogue: EventType[], type: string): unknown {
    return catalogue.find((t) => t.name === type)?.example ?? ping
}

function Preview({ endpoint, catalogue, choice, set }: Omit<Props, 'fault'>) {
    const zone = useZone()
    const isReal = choice.source === 'real'
    const key = isReal && choice.event === '' ? undefined : JSON.stringify([endpoint.id, choice.type, choice.event, isReal])
    const resource = catalogue.find((t) => t.name === choice.type)?.resource
    const query = useQuery(key, () =>
        previewTransform(
            isReal
                ? ({ event: choice.event } as never)
                : ({
                      type: choice.type,
                      sample: exampleOf(catalogue, choice.type),
                      ...(resource == null ? {} : { resource: { type: resource.type, id: 'sample' } }),
                  } as never),
            { app: zone.app, id: endpoint.id },
        ),
    )
    if (key === undefined) {
        return null
    }
    return (
        <>
            <Loaded query={query} rows={4}>
                {(result) => (
                    <pre class="code" tabIndex={0} aria-label="Test payload">
                        {result.body === null
                            ? result.errors.map((e) => e.detail).join('\n')
                            : (prettyJson(result.body) ?? result.body)}
                    </pre>
                )}
            </Loaded>
            {!isReal && (
                <div>
                    <button
                        type="button"
                        class="button"
                        onClick={() => set({ data: JSON.stringify(exampleOf(catalogue, choice.type), null, 2) })}
                    >
                        Edit Payload
                    </button>
                </div>
            )}
        </>
    )
}

export function EventData({ endpoint, catalogue, choice, set, fault }: Props) {
    const types = ['test.ping', ...catalogue.map((t) => t.name)]
    return (
        <>
            <section class="card stack" aria-labelledby="configuration">
                <h2 id="configuration">Test Configuration</h2>
                <SelectField
                    label="Event Type"
                    value={choice.type}
                    options={types.map((name) => [name, name])}
                    onChange={(type) => set({ type, event: '', data: undefined })}
                />
                <Radios
                    label="Data Source"
                    value={choice.source}
                    onChange={(source) => set({ source, data: undefined })}
                    options={[
                        ['sample', 'Use Sample Data', 'The example of the event type.'],
                        ['real', 'Use Real Data from Campaign/Contact', 'The data of an event that was published.'],
                    ]}
                />
                {choice.source === 'real' && <RealData choice={choice} set={set} />}
            </section>
            <section class="card stack" aria-labelledby="payload">
                <h2 id="payload">Test Payload Preview</h2>
                {choice.data === undefined ? (
                    <Preview endpoint={endpoint} catalogue={catalogue} choice={choice} set={set} />
                ) : (
                    <>
                        <TextField
                            label="Data (JSON)"
                            rows={12}
                            value={choice.data}
                            onInput={(data) => set({ data })}
                            fault={fault}
                            help="The envelope and the id are made when it is sent."
                        />
                        <div>
                            <button type="button" class="button" onClick={() => set({ data: undefined })}>
                                Use the example again
                            </button>
                        </div>
                    </>
                )}
            </section>
        </>
    )
}
