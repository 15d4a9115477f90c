// SPDX-License-Identifier: Apache-2.0
//
// client.ts - one way to talk to the API: JSON in, JSON or a Problem out. The browser uses only what
// customers may use too.
import { key, signedOut } from '../state/session'

export interface FieldFault {
    pointer: string
    code: string
    detail: string
}

interface ProblemBody {
    title?: string
    detail?: string
    code?: string
    errors?: FieldFault[]
    request_id?: string
}

/** What went wrong: RFC 9457, or code "unreachable" when there was no answer. */
export class Problem extends Error {
    readonly status: number
    readonly code: string
    readonly errors: FieldFault[]
    readonly requestId: string

    constructor(status: number, body: ProblemBody) {
        super(body.detail ?? body.title ?? `The server answered ${status}.`)
        this.status = status
        this.code = body.code ?? 'unknown'
        this.errors = body.errors ?? []
        this.requestId = body.request_id ?? ''
    }
}

export interface Page<T> {
    data: T[]
    next_cursor: string | null
    prev_cursor: string | null
}

type Query = Record<string, string | number | boolean | undefined | null>

/** "/apps/x?limit=5": empty values are left out. */
export function withQuery(path: string, query: Query = {}): string {
    const params = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
        if (value !== undefined && value !== null && value !== '') {
            params.set(name, String(value))
        }
    }
    const text = params.toString()
    return text === '' ? path : `${path}?${text}`
}

interface Options {
    /** In place of "/api/v1". */
    base?: string
    body?: unknown
    ifMatch?: string | undefined
    signal?: AbortSignal
}

export interface Answer<T> {
    data: T
    etag: string | undefined
    status: number
}

function headersOf(options: Options): Headers {
    const headers = new Headers({ Accept: 'application/json' })
    if (key.value !== '') {
        headers.set('Authorization', `Bearer ${key.value}`)
    }
    if (options.body !== undefined) {
        headers.set('Content-Type', 'application/json')
    }
    if (options.ifMatch !== undefined) {
        headers.set('If-Match', options.ifMatch)
    }
    return headers
}

async function problemOf(response: Response): Promise<Problem> {
    try {
        return new Problem(response.status, (await response.json()) as ProblemBody)
    } catch {
        return new Problem(response.status, {})
    }
}

/** One request. Throws a Problem. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
    let response: Response
    try {
        response = await fetch(`${options.base ?? '/api/v1'}${path}`, {
            method,
            headers: headersOf(options),
            credentials: 'same-origin',
            cache: 'no-cache',
            ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
            ...(options.signal === undefined ? {} : { signal: options.signal }),
        })
    } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') {
            throw error
        }
        throw new Problem(0, { code: 'unreachable', detail: 'The server cannot be reached. Is it running?' })
    }
    if (response.status === 401) {
        signedOut()
    }
    if (!response.ok) {
        throw await problemOf(response)
    }
    const data = response.status === 204 ? undefined : await response.json()
    return { data: data as T, etag: response.headers.get('ETag') ?? undefined, status: response.status }
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return (await request<T>('GET', withQuery(path, query), signal === undefined ? {} : { signal })).data
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
    return (await request<T>('POST', path, body === undefined ? {} : { body })).data
}

export async function patch<T>(path: string, body: unknown, ifMatch?: string): Promise<T> {
    return (await request<T>('PATCH', path, { body, ifMatch })).data
}

export async function remove(path: string): Promise<void> {
    await request<undefined>('DELETE', path)
}
