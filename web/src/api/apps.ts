// SPDX-License-Identifier: Apache-2.0
import { get, patch, post, remove, type Page } from './client'
import type { Schemas } from './types'

export type App = Schemas['App']
export type AppInput = Schemas['AppInput']

const path = (id?: string) => `/apps${id === undefined ? '' : `/${encodeURIComponent(id)}`}`

export const listApps = (query: Record<string, string>, signal?: AbortSignal) =>
    get<Page<App>>(path(), query, signal)

export const getApp = (id: string, signal?: AbortSignal) => get<App>(path(id), {}, signal)

export const createApp = (input: AppInput) => post<App>(path(), input)

export const editApp = (id: string, changes: Partial<AppInput>) => patch<App>(path(id), changes)

export const deleteApp = (id: string) => remove(path(id))
