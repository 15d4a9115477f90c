// SPDX-License-Identifier: Apache-2.0
//
// Time - a moment: relative and counting, the ISO text on hover; a click copies it.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { absoluteTime, relativeTime } from '../lib/time'
import { toast } from './Toast'

const now = signal(Date.now())
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

/** All relative times on the page share one clock. */
function useNow(): number {
    useEffect(() => {
        users += 1
        timer ??= setInterval(() => {
            now.value = Date.now()
        }, 1000)
        return () => {
            users -= 1
            if (users === 0) {
                clearInterval(timer)
                timer = undefined
            }
        }
    }, [])
    return now.value
}

/** Shown in UTC instead of the browser's zone. */
export const utc = signal(false)

interface Props {
    /** RFC 3339, or null. */
    at: string | null | undefined
    form?: 'relative' | 'absolute'
    none?: string
}

export function Time({ at, form = 'relative', none = '–' }: Props) {
    const current = useNow()
    if (at === null || at === undefined) {
        return <span class="muted">{none}</span>
    }
    const ms = Date.parse(at)
    const text = form === 'relative' ? relativeTime(ms, current) : absoluteTime(ms, utc.value)
    return (
        <time
            class="number"
            dateTime={at}
            title={`${at} (click copies)`}
            onClick={() => {
                void navigator.clipboard.writeText(at).then(() => toast('Time copied'))
            }}
        >
            {text}
        </time>
    )
}
