// SPDX-License-Identifier: Apache-2.0
//
// retryPlan.ts - when attempts are made, as the server makes them. Pure.
import { duration } from './time'

/** Seconds before attempt 2, 3, ..., `attempts` - 1 of them; the last delay repeats. */
export function delaysOf(schedule: number[], attempts: number): number[] {
    const last = schedule.at(-1) ?? 0
    return Array.from({ length: Math.max(0, attempts - 1) }, (_, i) => schedule[i] ?? last)
}

/** "1 m, 5 m, 15 m", equal neighbours counted: "5 m, 4 times 1 h". */
function delayText(delays: number[]): string {
    const parts: string[] = []
    for (let i = 0; i < delays.length; ) {
        const text = duration((delays[i] ?? 0) * 1000)
        let n = 1
        while (i + n < delays.length && duration((delays[i + n] ?? 0) * 1000) === text) {
            n += 1
        }
        parts.push(n > 2 ? `${n} times ${text}` : Array<string>(n).fill(text).join(', '))
        i += n
    }
    return parts.join(', ')
}

export function planText(schedule: number[], attempts: number): string {
    const delays = delaysOf(schedule, attempts)
    if (delays.length === 0) {
        return 'One attempt, at once.'
    }
    const all = delays.reduce((sum, s) => sum + s, 0)
    return `${attempts} attempts: at once, then after ${delayText(delays)}. The last one ${duration(all * 1000)} after the event.`
}
