// SPDX-License-Identifier: Apache-2.0
import { get } from './client'
import type { Schemas } from './types'

export type Stats = Schemas['Stats']
export type Sparklines = Schemas['Sparklines']
export type Spark = Sparklines['data'][number]
export type StatsPoint = Stats['series'][number]

const base = (app: string) => `/apps/${encodeURIComponent(app)}`

/** "+02:00": days and hours are those of the person who looks. */
export function localZone(): string {
    const minutes = -new Date().getTimezoneOffset()
    const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
    return `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`
}

export const appStats = (app: string, window: string, signal?: AbortSignal) =>
    get<Stats>(`${base(app)}/stats`, { window, tz: localZone() }, signal)

export const endpointStats = (app: string, id: string, window: string, signal?: AbortSignal) =>
    get<Stats>(`${base(app)}/endpoints/${encodeURIComponent(id)}/stats`, { window, tz: localZone() }, signal)

export const sparklines = (app: string, window: string, signal?: AbortSignal) =>
    get<Sparklines>(`${base(app)}/endpoints/sparklines`, { window, tz: localZone() }, signal)
