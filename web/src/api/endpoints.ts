// SPDX-License-Identifier: Apache-2.0
import { get, patch, post, remove, request, type Page } from './client'
import { everyPage, type Whole } from './pages'
import type { Endpoint, EndpointInput, Schemas } from './types'

export type RolledSecret = Schemas['RolledSecret']
export type SecretRoll = Partial<Schemas['SecretRoll']>
export type TestResult = Schemas['TestResult']
export type TestSend = Schemas['TestPayload']
export type UrlTestSend = Schemas['UrlTestSend']
export type FilterVerdict = Schemas['FilterVerdict']
export type FilterTrial = Schemas['FilterTrial']
export type TransformResult = Schemas['TransformResult']
export type TransformTrial = Schemas['TransformTrial']
export type FacetList = Schemas['FacetList']

const app = (id: string) => `/apps/${encodeURIComponent(id)}`
const path = (of: string, id?: string) =>
    `${app(of)}/endpoints${id === undefined ? '' : `/${encodeURIComponent(id)}`}`

export const listEndpoints = (of: string, query: Record<string, string>, signal?: AbortSignal) =>
    get<Page<Endpoint>>(path(of), query, signal)

export const allEndpoints = (of: string, signal?: AbortSignal): Promise<Whole<Endpoint>> =>
    everyPage((cursor) => listEndpoints(of, { limit: '250', cursor }, signal))

export const getEndpoint = (of: string, id: string, signal?: AbortSignal) =>
    get<Endpoint>(path(of, id), {}, signal)

/** With its ETag, to change it only when nobody else did. */
export const readEndpoint = (of: string, id: string, signal?: AbortSignal) =>
    request<Endpoint>('GET', path(of, id), signal === undefined ? {} : { signal })

export const createEndpoint = (of: string, input: EndpointInput) => post<Endpoint>(path(of), input)

export const editEndpoint = (of: string, id: string, changes: Partial<EndpointInput>, ifMatch?: string) =>
    patch<Endpoint>(path(of, id), changes, ifMatch)

export const deleteEndpoint = (of: string, id: string) => remove(path(of, id))

export const pauseEndpoint = (of: string, id: string) => post<Endpoint>(`${path(of, id)}/pause`)

export const resumeEndpoint = (of: string, id: string) => post<Endpoint>(`${path(of, id)}/resume`)

export const rollSecret = (of: string, id: string, roll: SecretRoll) =>
    post<RolledSecret>(`${path(of, id)}/roll_secret`, roll)

export const revokePreviousSecret = (of: string, id: string) =>
    post<Endpoint>(`${path(of, id)}/revoke_previous_secret`)

export const testEndpoint = (of: string, id: string, send: TestSend) =>
    post<TestResult>(`${path(of, id)}/test`, send)

/** A URL that is no endpoint yet. */
export const testUrl = (of: string, send: UrlTestSend) => post<TestResult>(`${app(of)}/test`, send)

export const testFilter = (trial: FilterTrial) => post<FilterVerdict>('/filters/test', trial)

export const previewTransform = (trial: TransformTrial, of?: { app: string; id: string }) =>
    post<TransformResult>(
        of === undefined ? '/transforms/preview' : `${path(of.app, of.id)}/transforms/preview`,
        trial,
    )

export const facets = (of: string, field: FacetList['field'], signal?: AbortSignal) =>
    get<FacetList>(`${app(of)}/facets`, { field }, signal)
