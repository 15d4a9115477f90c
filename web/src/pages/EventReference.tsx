// SPDX-License-Identifier: Apache-2.0
//
// EventReference - all events that a webhook can receive: when each comes, how often, and what is in it.
import { readCatalogue } from '../api/catalogue'
import type { EventType } from '../api/types'
import { useAddress } from '../lib/address'
import { categoriesOf, type Category } from '../lib/eventTree'
import { schemaSketch } from '../lib/schemaSketch'
import { Copy } from '../parts/Copy'
import { PageBody } from '../parts/Shell'
import { Empty, Loaded } from '../parts/States'
import { useQuery } from '../state/query'
import { useZone } from '../state/zone'

const frequencies: Record<string, string> = { low: 'Low', medium: 'Medium', high: 'High', very_high: 'Very High' }

const frequencyOf = (type: EventType) => (type.frequency === null ? '–' : (frequencies[type.frequency] ?? type.frequency))

function useEventHref(): (name: string) => string {
    const zone = useZone()
    return (name) => `${zone.eventTypes}?type=${encodeURIComponent(name)}`
}

function Sidebar({ categories, current }: { categories: Category[]; current: string }) {
    const href = useEventHref()
    return (
        <nav class="stack" aria-label="Event categories">
            {categories.map((category) => (
                <div class="stack tight" key={category.title}>
                    <h2>
                        {category.title} ({category.types.length})
                    </h2>
                    <ul class="leaves">
                        {category.types.map((type) => (
                            <li key={type.name}>
                                <a
                                    class="mono"
                                    href={href(type.name)}
                                    {...(type.name === current ? { 'aria-current': 'page' as const } : {})}
                                >
                                    {type.name}
                                </a>
                            </li>
                        ))}
                    </ul>
                </div>
            ))}
        </nav>
    )
}

function Code({ title, value, copy }: { title: string; value: unknown; copy?: string }) {
    const text = JSON.stringify(value, null, 2)
    return (
        <section class="stack tight">
            <div class="row spread">
                <h3>{title}</h3>
                {copy !== undefined && <Copy text={text} what={copy} label />}
            </div>
            <pre class="code" tabIndex={0} aria-label={title}>
                {text}
            </pre>
        </section>
    )
}

function envelope(type: EventType, data: unknown): unknown {
    return { id: 'evt_abc123', type: type.name, created_at: '2025-11-25T14:30:00Z', data }
}

function Entry({ type, known }: { type: EventType; known: EventType[] }) {
    const href = useEventHref()
    const related = type.related.filter((name) => known.some((t) => t.name === name))
    return (
        <article class="card stack">
            <h2 class="mono">{type.name}</h2>
            <dl class="facts">
                <dt>Description</dt>
                <dd>{type.description === '' ? '–' : type.description}</dd>
                {type.fires_when !== '' && (
                    <>
                        <dt>When</dt>
                        <dd>{type.fires_when}</dd>
                    </>
                )}
                <dt>Frequency</dt>
                <dd>{type.frequency_text === '' ? frequencyOf(type) : type.frequency_text}</dd>
                <dt>Version</dt>
                <dd class="number">{type.version}</dd>
            </dl>
            {type.schema !== null && (
                <>
                    <Code title="Payload Schema" value={{ id: 'string', type: type.name, created_at: 'string (ISO 8601)', data: schemaSketch(type.schema) }} />
                    <details>
                        <summary>JSON Schema of data</summary>
                        <Code title="JSON Schema" value={type.schema} copy="schema" />
                    </details>
                </>
            )}
            {type.example !== null && type.example !== undefined && (
                <Code title="Example Payload" value={envelope(type, type.example)} copy="example payload" />
            )}
            {related.length > 0 && (
                <section class="stack tight">
                    <h3>Related Events</h3>
                    <ul class="row">
                        {related.map((name) => (
                            <li key={name}>
                                <a class="mono" href={href(name)}>
                                    {name}
                                </a>
                            </li>
                        ))}
                    </ul>
                </section>
            )}
            {type.use_cases.length > 0 && (
                <section class="stack tight">
                    <h3>Use Cases</h3>
                    <ul class="bullets">
                        {type.use_cases.map((text) => (
                            <li key={text}>{text}</li>
                        ))}
                    </ul>
                </section>
            )}
        </article>
    )
}

function Comparison({ catalogue }: { catalogue: EventType[] }) {
    const href = useEventHref()
    return (
        <section class="stack tight" aria-labelledby="comparison">
            <h2 id="comparison">All Events Summary</h2>
            <div class="scroll" tabIndex={0} role="group" aria-label="Comparison of events">
                <table>
                    <caption class="sr-only">All events</caption>
                    <thead>
                        <tr>
                            <th scope="col">Event Type</th>
                            <th scope="col">Frequency</th>
                            <th scope="col">Retry Safe</th>
                            <th scope="col">Typical Use Case</th>
                        </tr>
                    </thead>
                    <tbody>
                        {catalogue.map((type) => (
                            <tr key={type.name}>
                                <th scope="row">
                                    <a class="mono" href={href(type.name)}>
                                        {type.name}
                                    </a>
                                </th>
                                <td>{frequencyOf(type)}</td>
                                <td>{type.retry_safe ? 'Yes' : 'No'}</td>
                                <td>{type.typical_use === '' ? '–' : type.typical_use}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    )
}

export default function EventReference() {
    const wanted = useAddress().get('type')
    const query = useQuery('', (signal) => readCatalogue(signal))
    return (
        <PageBody title="Event Reference" lead={<p class="muted">All events that a webhook can receive.</p>}>
            <Loaded query={query} rows={8}>
                {(catalogue) => {
                    const type = catalogue.find((t) => t.name === wanted) ?? catalogue[0]
                    return type === undefined ? (
                        <Empty title="No event types yet">
                            <p class="muted">Take over a catalogue that comes with the server:</p>
                            <pre class="code">postern event-types preset saas</pre>
                        </Empty>
                    ) : (
                        <>
                            <div class="reference">
                                <Sidebar categories={categoriesOf(catalogue)} current={type.name} />
                                <Entry type={type} known={catalogue} />
                            </div>
                            <Comparison catalogue={catalogue} />
                        </>
                    )
                }}
            </Loaded>
        </PageBody>
    )
}
