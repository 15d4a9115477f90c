// SPDX-License-Identifier: Apache-2.0
//
// Attempts - the timeline of a delivery: newest first and open, what is planned above it.
import type { Attempt, DeliveryDetail } from '../api/types'
import { duration } from '../lib/time'
import { ErrorHint } from './ErrorHint'
import { HttpMessage } from './HttpMessage'
import { Phases } from './Phases'
import { StatusBadge, StatusIcon } from './StatusBadge'
import { Time } from './Time'

function isSuccess(attempt: Attempt): boolean {
    return attempt.status_code !== null && attempt.status_code >= 200 && attempt.status_code < 300
}

function outcome(attempt: Attempt): string {
    return attempt.status_code === null ? (attempt.error ?? 'no response') : String(attempt.status_code)
}

function pathOf(url: string): string {
    try {
        const parsed = new URL(url)
        return parsed.pathname + parsed.search
    } catch {
        return url
    }
}

function AttemptItem({ attempt, open }: { attempt: Attempt; open: boolean }) {
    const response = attempt.response
    return (
        <li id={`attempt-${attempt.number}`}>
            <details class="card attempt" open={open}>
                <summary>
                    <span class="row">
                        <StatusBadge status={isSuccess(attempt) ? 'delivered' : 'failed'}>{outcome(attempt)}</StatusBadge>
                        <strong>Attempt {attempt.number}</strong>
                        <Time at={attempt.started_at} form="absolute" />
                        <span class="number muted">{duration(attempt.duration_ms)}</span>
                        {attempt.manual && <span class="muted">by a person</span>}
                    </span>
                </summary>
                <div class="stack">
                    <ErrorHint attempt={attempt} />
                    <Phases attempt={attempt} />
                    <p class="muted">
                        Sent to <code>{attempt.url}</code>
                        {attempt.ip === null ? '' : ` at ${attempt.ip}`}
                        {attempt.connection_reused ? ', on a connection that was open already' : ''}.
                    </p>
                    <div class="sides">
                        <HttpMessage
                            title="Request"
                            line={`POST ${pathOf(attempt.url)} HTTP/1.1`}
                            headers={attempt.request.headers}
                            body={attempt.request.body}
                        />
                        {response === null ? (
                            <p class="muted">There was no response.</p>
                        ) : (
                            <HttpMessage
                                title="Response"
                                line={`HTTP/1.1 ${response.status}`}
                                headers={response.headers}
                                body={response.body}
                                {...(response.truncated ? { note: 'Only the beginning is kept.' } : {})}
                            />
                        )}
                    </div>
                </div>
            </details>
        </li>
    )
}

function Planned({ delivery }: { delivery: DeliveryDetail }) {
    if (delivery.next_attempt_at === null || delivery.ended_at !== null) {
        return null
    }
    return (
        <li class="card planned row">
            <span class="badge pending">
                <StatusIcon tone="pending" /> Planned
            </span>
            <strong>Attempt {delivery.attempt_count + 1}</strong>
            <Time at={delivery.next_attempt_at} />
            <span class="muted">
                <Time at={delivery.next_attempt_at} form="absolute" />
            </span>
        </li>
    )
}

export function Attempts({ delivery }: { delivery: DeliveryDetail }) {
    const newest = delivery.attempts.reduce((max, a) => Math.max(max, a.number), 0)
    const wanted = Number(new URLSearchParams(location.search).get('attempt')) || newest
    const ordered = [...delivery.attempts].sort((a, b) => b.number - a.number)
    return (
        <section class="stack">
            <h2>Attempts</h2>
            <ol class="stack" aria-label="Attempts, newest first">
                <Planned delivery={delivery} />
                {ordered.map((attempt) => (
                    <AttemptItem attempt={attempt} open={attempt.number === wanted} key={attempt.number} />
                ))}
            </ol>
        </section>
    )
}
