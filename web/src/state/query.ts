// SPDX-License-Identifier: Apache-2.0
//
// query.ts - reading from the API in a page: the data, the problem, or that it is on its way. What was
// read last stays on the screen while it is read again.
import { useSignal, type ReadonlySignal } from '@preact/signals'
import { useCallback, useEffect, useRef } from 'preact/hooks'
import { Problem } from '../api/client'

export interface Reading<T> {
    data: T | undefined
    problem: Problem | undefined
    loading: boolean
}

export interface Query<T> {
    state: ReadonlySignal<Reading<T>>
    reload: () => void
    set: (data: T) => void
}

/** Reads when `key` changes; key undefined: not yet. A late answer of an earlier key is dropped. */
export function useQuery<T>(key: string | undefined, read: (signal: AbortSignal) => Promise<T>): Query<T> {
    const state = useSignal<Reading<T>>({ data: undefined, problem: undefined, loading: true })
    const latest = useRef(read)
    const turn = useSignal(0)
    latest.current = read

    useEffect(() => {
        const abort = new AbortController()
        if (key === undefined) {
            return undefined
        }
        state.value = { ...state.peek(), loading: true }
        latest.current(abort.signal).then(
            (data) => {
                if (!abort.signal.aborted) {
                    state.value = { data, problem: undefined, loading: false }
                }
            },
            (error: unknown) => {
                if (!abort.signal.aborted) {
                    const problem = error instanceof Problem ? error : new Problem(0, { detail: String(error) })
                    state.value = { data: state.peek().data, problem, loading: false }
                }
            },
        )
        return () => abort.abort()
    }, [key, turn.value])

    const reload = useCallback(() => {
        turn.value += 1
    }, [])
    const set = useCallback((data: T) => {
        state.value = { data, problem: undefined, loading: false }
    }, [])
    return { state, reload, set }
}
