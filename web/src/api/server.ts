// SPDX-License-Identifier: Apache-2.0
import { get, post } from './client'
import type { Schemas } from './types'

export type ServerFacts = Schemas['Server']
export type UrlCheck = Schemas['UrlCheck']

export const serverFacts = (signal?: AbortSignal) => get<ServerFacts>('/server', {}, signal)

export const sourceIps = async (signal?: AbortSignal) =>
    (await get<{ data: string[] }>('/source-ips', {}, signal)).data

export const checkUrl = (url: string) => post<UrlCheck>('/url-check', { url })
