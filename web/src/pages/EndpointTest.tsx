// SPDX-License-Identifier: Apache-2.0
//
// EndpointTest - sends test events of any type to a webhook, shows what came of them, and gives the code that
// verifies them.
import { useSignal } from '@preact/signals'
import { useRoute } from 'preact-iso'
import { readCatalogue } from '../api/catalogue'
import { getEndpoint, testEndpoint, type TestResult } from '../api/endpoints'
import type { Endpoint } from '../api/types'
import { parseField } from '../lib/draft'
import { useSubmit } from '../lib/submit'
import { CodeExamples } from '../parts/CodeExamples'
import { EventData, type TestChoice } from '../parts/EventData'
import { PageBody } from '../parts/Shell'
import { Loaded, ProblemBanner } from '../parts/States'
import { TestOutcome, TestProgress } from '../parts/TestOutcome'
import { useQuery } from '../state/query'
import { useZone } from '../state/zone'

function Test({ endpoint }: { endpoint: Endpoint }) {
    const zone = useZone()
    const catalogue = useQuery('', (signal) => readCatalogue(signal)).state.value.data ?? []
    const choice = useSignal<TestChoice>({ type: 'test.ping', source: 'sample', event: '', data: undefined })
    const unreadable = useSignal(false)
    const result = useSignal<TestResult | undefined>(undefined)
    const submit = useSubmit()
    const { type, source, event, data } = choice.value

    const send = async () => {
        const parsed = data === undefined ? undefined : parseField(data)
        unreadable.value = data !== undefined && parsed === undefined
        result.value = undefined
        if (unreadable.value) {
            return
        }
        await submit.run(async () => {
            result.value = await testEndpoint(
                zone.app,
                endpoint.id,
                source === 'real'
                    ? { event_id: event }
                    : { event_type: type, ...(parsed === undefined ? {} : { data: parsed.value as never }) },
            )
        })
    }
    return (
        <PageBody
            title={`Test ${endpoint.name}`}
            lead={
                <div class="row">
                    <code>{endpoint.url}</code>
                    <a href={zone.endpoint(endpoint.id)}>Back to the webhook</a>
                </div>
            }
        >
            <div class="stack webhook-form">
                <EventData
                    endpoint={endpoint}
                    catalogue={catalogue}
                    choice={choice.value}
                    set={(changes) => (choice.value = { ...choice.value, ...changes })}
                    fault={unreadable.value ? 'This is not JSON.' : undefined}
                />
                <div>
                    <button
                        type="button"
                        class="button primary"
                        disabled={submit.busy.value || !zone.canManage || (source === 'real' && event === '')}
                        onClick={() => void send()}
                    >
                        Send Test Event
                    </button>
                </div>
                {submit.busy.value && <TestProgress url={endpoint.url} />}
                {submit.problem.value !== undefined && <ProblemBanner problem={submit.problem.value} />}
                {result.value !== undefined && (
                    <TestOutcome result={result.value}>
                        {!result.value.ok && (
                            <>
                                <button type="button" class="button small" onClick={() => void send()}>
                                    Retry Test
                                </button>
                                <a class="button small" href={zone.endpoint(endpoint.id, 'edit')}>
                                    Edit Webhook
                                </a>
                                <a class="button small" href="/docs/errors">
                                    View Troubleshooting Guide
                                </a>
                            </>
                        )}
                        {result.value.delivery_id !== null && (
                            <a class="button small" href={zone.delivery(result.value.delivery_id)}>
                                View it in the log
                            </a>
                        )}
                    </TestOutcome>
                )}
                <CodeExamples endpoint={endpoint} />
            </div>
        </PageBody>
    )
}

export default function EndpointTest() {
    const zone = useZone()
    const id = useRoute().params['endpoint'] ?? ''
    const query = useQuery(`${zone.app} ${id}`, (signal) => getEndpoint(zone.app, id, signal))
    return <Loaded query={query}>{(endpoint) => <Test endpoint={endpoint} />}</Loaded>
}
