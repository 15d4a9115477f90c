// SPDX-License-Identifier: Apache-2.0
//
// TestDialog - sends a test event to a webhook where one stands, and shows what came of it.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { testEndpoint, type TestResult } from '../api/endpoints'
import type { Endpoint } from '../api/types'
import { useSubmit } from '../lib/submit'
import { useZone } from '../state/zone'
import { Dialog } from './Dialog'
import { ProblemBanner } from './States'
import { TestOutcome, TestProgress } from './TestOutcome'

export function TestDialog({ endpoint, onClose }: { endpoint: Endpoint | undefined; onClose: () => void }) {
    const zone = useZone()
    const submit = useSubmit()
    const result = useSignal<TestResult | undefined>(undefined)
    const send = async (id: string) => {
        result.value = undefined
        await submit.run(async () => {
            result.value = await testEndpoint(zone.app, id, {})
        })
    }
    useEffect(() => {
        if (endpoint !== undefined) {
            void send(endpoint.id)
        }
    }, [endpoint?.id])

    return (
        <Dialog
            title={endpoint === undefined ? 'Test' : `Test ${endpoint.name}`}
            open={endpoint !== undefined}
            onClose={onClose}
        >
            {endpoint !== undefined && (
                <>
                    {submit.busy.value && <TestProgress url={endpoint.url} />}
                    {submit.problem.value !== undefined && <ProblemBanner problem={submit.problem.value} />}
                    {result.value !== undefined && <TestOutcome result={result.value} />}
                    <div class="row">
                        <button
                            type="button"
                            class="button primary"
                            disabled={submit.busy.value}
                            onClick={() => void send(endpoint.id)}
                        >
                            {result.value?.ok === false ? 'Retry Test' : 'Send again'}
                        </button>
                        <a class="button" href={zone.endpoint(endpoint.id, 'test')}>
                            Choose the event
                        </a>
                        <button type="button" class="button" onClick={onClose}>
                            Close
                        </button>
                    </div>
                </>
            )}
        </Dialog>
    )
}
