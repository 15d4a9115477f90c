// SPDX-License-Identifier: Apache-2.0
//
// States - what stands where data is not: on its way, none, or refused.
import type { ComponentChildren } from 'preact'
import type { Problem } from '../api/client'
import type { Query, Reading } from '../state/query'

export function Skeleton({ rows = 5 }: { rows?: number }) {
    return (
        <div class="stack tight" role="status" aria-label="Loading">
            {Array.from({ length: rows }, (_, i) => (
                <div class="skeleton" key={i} />
            ))}
        </div>
    )
}

export function ProblemBanner({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
    return (
        <div class="banner failed" role="alert">
            <div class="stack tight">
                <p>{problem.message}</p>
                {problem.errors.length > 0 && (
                    <ul>
                        {problem.errors.map((fault) => (
                            <li key={fault.pointer}>
                                <code>{fault.pointer}</code> {fault.detail}
                            </li>
                        ))}
                    </ul>
                )}
                {problem.requestId !== '' && <p class="muted">Request {problem.requestId}</p>}
                {onRetry !== undefined && (
                    <div>
                        <button type="button" class="button small" onClick={onRetry}>
                            Try again
                        </button>
                    </div>
                )}
            </div>
        </div>
    )
}

/** An empty state says what to do next. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
    return (
        <div class="empty stack">
            <h2>{title}</h2>
            {children}
        </div>
    )
}

interface Props<T> {
    query: Query<T>
    rows?: number
    children: (data: T, reading: Reading<T>) => ComponentChildren
}

/** The data of a query; what was read last stays while it is read again or a reading failed. */
export function Loaded<T>({ query, rows = 5, children }: Props<T>) {
    const reading = query.state.value
    return (
        <>
            {reading.problem !== undefined && <ProblemBanner problem={reading.problem} onRetry={query.reload} />}
            {reading.data !== undefined
                ? children(reading.data, reading)
                : reading.problem === undefined && <Skeleton rows={rows} />}
        </>
    )
}
