// SPDX-License-Identifier: Apache-2.0
import { get, patch, post, remove, type Page } from './client'
import type { Endpoint, EndpointInput } from './types'

const path = (app: string, id?: string) =>
    `/apps/${encodeURIComponent(app)}/endpoints${id === undefined ? '' : `/${encodeURIComponent(id)}`}`

export const listEndpoints = (app: string, query: Record<string, string>, signal?: AbortSignal) =>
    get<Page<Endpoint>>(path(app), query, signal)

export const getEndpoint = (app: string, id: string, signal?: AbortSignal) =>
    get<Endpoint>(path(app, id), {}, signal)

export const createEndpoint = (app: string, input: EndpointInput) => post<Endpoint>(path(app), input)

export const editEndpoint = (app: string, id: string, changes: Partial<EndpointInput>) =>
    patch<Endpoint>(path(app, id), changes)

export const deleteEndpoint = (app: string, id: string) => remove(path(app, id))

export const pauseEndpoint = (app: string, id: string) => post<Endpoint>(`${path(app, id)}/pause`)

export const resumeEndpoint = (app: string, id: string) => post<Endpoint>(`${path(app, id)}/resume`)
