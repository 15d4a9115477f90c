// SPDX-License-Identifier: Apache-2.0
//
// time.ts - times for people. Pure.

const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' })

/** "3 minutes ago", "in 2 hours", "just now". */
export function relativeTime(at: number, now: number): string {
    const distance = at - now
    for (const [unit, size] of units) {
        if (Math.abs(distance) >= size) {
            return relative.format(Math.trunc(distance / size), unit)
        }
    }
    return 'just now'
}

/** "2026-11-22 08:01:02.345" in the browser's zone, or in UTC with its name. */
export function absoluteTime(at: number, utc: boolean): string {
    const shifted = utc ? at : at - new Date(at).getTimezoneOffset() * 60_000
    const text = new Date(shifted).toISOString().replace('T', ' ').replace('Z', '')
    return utc ? `${text} UTC` : text
}

/** 142 -> "142 ms", 15000 -> "15 s", 90000 -> "1 m 30 s". */
export function duration(ms: number): string {
    if (ms < 1000) {
        return `${Math.round(ms)} ms`
    }
    const parts: string[] = []
    let left = ms
    for (const [name, size] of [
        ['d', 86_400_000],
        ['h', 3_600_000],
        ['m', 60_000],
        ['s', 1000],
    ] as const) {
        const n = name === 's' && parts.length === 0 ? Math.round(left / 100) / 10 : Math.floor(left / size)
        if (n > 0 && parts.length < 2) {
            parts.push(`${n} ${name}`)
        }
        left %= size
    }
    return parts.join(' ')
}
