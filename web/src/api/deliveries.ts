// SPDX-License-Identifier: Apache-2.0
import { get, post, type Page } from './client'
import type { Delivery, DeliveryDetail, EventDetail, EventRow } from './types'

const path = (app: string, id?: string) =>
    `/apps/${encodeURIComponent(app)}/deliveries${id === undefined ? '' : `/${encodeURIComponent(id)}`}`

export const listDeliveries = (app: string, query: Record<string, string>, signal?: AbortSignal) =>
    get<Page<Delivery>>(path(app), query, signal)

export const getDelivery = (app: string, id: string, signal?: AbortSignal) =>
    get<DeliveryDetail>(path(app, id), {}, signal)

export const retryDelivery = (app: string, id: string) => post<unknown>(`${path(app, id)}/retry`)

export const cancelDelivery = (app: string, id: string) => post<unknown>(`${path(app, id)}/cancel`)

export const getEvent = (app: string, id: string, signal?: AbortSignal) =>
    get<EventDetail>(`/apps/${encodeURIComponent(app)}/events/${encodeURIComponent(id)}`, {}, signal)

export const listEvents = (app: string, query: Record<string, string>, signal?: AbortSignal) =>
    get<Page<EventRow>>(`/apps/${encodeURIComponent(app)}/events`, query, signal)
