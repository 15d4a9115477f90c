// SPDX-License-Identifier: Apache-2.0
//
// submit.ts - sending a form: busy while it is on its way, and what the server found in it.
import { useSignal, type ReadonlySignal } from '@preact/signals'
import { Problem } from '../api/client'

export interface Submit {
    busy: ReadonlySignal<boolean>
    problem: ReadonlySignal<Problem | undefined>
    /** What is wrong with the field at that JSON Pointer. */
    fault: (pointer: string) => string | undefined
    /** Runs `send`; true when it succeeded. */
    run: (send: () => Promise<void>) => Promise<boolean>
}

export function useSubmit(): Submit {
    const busy = useSignal(false)
    const problem = useSignal<Problem | undefined>(undefined)
    return {
        busy,
        problem,
        fault: (pointer) => problem.value?.errors.find((e) => e.pointer === pointer)?.detail,
        run: async (send) => {
            busy.value = true
            problem.value = undefined
            try {
                await send()
                return true
            } catch (error) {
                problem.value = error instanceof Problem ? error : new Problem(0, { detail: String(error) })
                return false
            } finally {
                busy.value = false
            }
        },
    }
}
