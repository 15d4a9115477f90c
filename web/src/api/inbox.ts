// SPDX-License-Identifier: Apache-2.0
//
// inbox.ts - the test inbox stands beside the API proper, at /catch.
import { request } from './client'
import type { Schemas } from './types'

export type Inbox = Schemas['Inbox']
export type InboxBehaviour = Schemas['InboxBehaviour']

const at = (token: string) => ({ base: `/catch/${encodeURIComponent(token)}` })

export const readInbox = async (token: string, signal?: AbortSignal) =>
    (await request<Inbox>('GET', '', { ...at(token), ...(signal === undefined ? {} : { signal }) })).data

export const setInbox = async (token: string, body: InboxBehaviour) =>
    (await request<Inbox>('PUT', '', { ...at(token), body })).data

export const clearInbox = async (token: string) => {
    await request<undefined>('DELETE', '', at(token))
}
