// SPDX-License-Identifier: Apache-2.0
//
// TestOutcome - what came of a test send: short, then the request and the answer as they were.
import type { ComponentChildren } from 'preact'
import type { TestResult } from '../api/endpoints'
import { duration } from '../lib/time'
import { ErrorHint } from './ErrorHint'
import { HttpMessage } from './HttpMessage'
import { Phases } from './Phases'

const bodyShown = 300

export function TestProgress({ url }: { url: string }) {
    return (
        <div class="banner" role="status">
            <div>
                <p>Sending test event to {url}...</p>
                <p>⏳ Waiting for response...</p>
            </div>
        </div>
    )
}

function Messages({ result }: { result: TestResult }) {
    const { attempt } = result
    return (
        <div class="stack tight">
            <details>
                <summary>View Full Request</summary>
                <HttpMessage
                    title="Request"
                    line={result.request_line}
                    headers={attempt.request.headers}
                    body={attempt.request.body}
                />
            </details>
            {attempt.response !== null && (
                <details>
                    <summary>View Full Response</summary>
                    <HttpMessage
                        title="Response"
                        line={`HTTP/1.1 ${attempt.response.status}`}
                        headers={attempt.response.headers}
                        body={attempt.response.body}
                        {...(attempt.response.truncated ? { note: 'Only the beginning is kept.' } : {})}
                    />
                </details>
            )}
        </div>
    )
}

function signatureOf(result: TestResult): string | undefined {
    const line = result.attempt.request.headers.find((h) => h.name.toLowerCase().endsWith('signature'))
    return line === undefined ? undefined : `${line.name}: ${line.value}`
}

export function TestOutcome({ result, children }: { result: TestResult; children?: ComponentChildren }) {
    const { attempt } = result
    const signature = signatureOf(result)
    return (
        <section class="stack" aria-label="Test result">
            <div class={`banner ${result.ok ? 'delivered' : 'failed'}`} role="status">
                <div class="stack tight">
                    <p>
                        <strong>{result.ok ? '✓ Test successful!' : '✗ Test failed'}</strong>
                    </p>
                    <dl class="facts">
                        {attempt.response !== null && (
                            <>
                                <dt>Status</dt>
                                <dd class="mono">{attempt.response.status}</dd>
                            </>
                        )}
                        {result.failure !== null && (
                            <>
                                <dt>Error</dt>
                                <dd>{result.message}</dd>
                            </>
                        )}
                        <dt>Response Time</dt>
                        <dd class="number">{duration(attempt.duration_ms)}</dd>
                        {attempt.response !== null && (
                            <>
                                <dt>Response Body</dt>
                                <dd class="mono">
                                    {attempt.response.body === null
                                        ? '(hidden)'
                                        : attempt.response.body === ''
                                          ? '(empty)'
                                          : attempt.response.body.slice(0, bodyShown)}
                                </dd>
                            </>
                        )}
                        <dt>Request</dt>
                        <dd class="mono">
                            POST {attempt.url}
                            {signature !== undefined && <div>{signature}</div>}
                        </dd>
                    </dl>
                    {result.causes.length > 0 && (
                        <div>
                            <p>Possible causes:</p>
                            <ul class="bullets">
                                {result.causes.map((cause) => (
                                    <li key={cause}>{cause}</li>
                                ))}
                            </ul>
                        </div>
                    )}
                    {children !== undefined && <div class="row">{children}</div>}
                </div>
            </div>
            <ErrorHint attempt={attempt} />
            <Phases attempt={attempt} />
            <Messages result={result} />
        </section>
    )
}
