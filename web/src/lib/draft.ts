// SPDX-License-Identifier: Apache-2.0
//
// draft.ts - a webhook while it is written: what the form holds, and what of it goes to the server. Pure.
import type { Endpoint, EndpointInput } from '../api/types'
import type { Choice } from './eventTree'

export interface Draft {
    name: string
    description: string
    url: string
    status: 'active' | 'paused'
    events: Choice
    style: 'snapshot' | 'thin'
    envelope: 'native' | 'standard'
    workspaces: string[]
    campaigns: string[]
    contactTags: string[]
    /** JSON text, "" for none. */
    filter: string
    /** JMESPath, "" for none. */
    transform: string
    retries: boolean
    /** Name of a preset, or "custom". */
    preset: string
    /** Delays in seconds of a schedule of one's own. */
    delays: number[]
    attempts: number
    timeoutS: number
    /** "": made by the server. */
    secret: string
}

/** What the form begins with. */
export const emptyDraft: Draft = {
    name: '',
    description: '',
    url: '',
    status: 'active',
    events: { all: true, types: [] },
    style: 'snapshot',
    envelope: 'native',
    workspaces: [],
    campaigns: [],
    contactTags: [],
    filter: '',
    transform: '',
    retries: true,
    preset: 'platform',
    delays: [],
    attempts: 5,
    timeoutS: 5,
    secret: '',
}

export function draftOf(endpoint: Endpoint): Draft {
    const { schedule } = endpoint.retry
    return {
        name: endpoint.name,
        description: endpoint.description,
        url: endpoint.url,
        status: endpoint.status === 'active' ? 'active' : 'paused',
        events: { all: endpoint.event_types.length === 0, types: endpoint.event_types },
        style: endpoint.payload_style,
        envelope: endpoint.envelope,
        workspaces: endpoint.workspaces,
        campaigns: endpoint.campaigns,
        contactTags: endpoint.contact_tags,
        filter: endpoint.filter === null ? '' : JSON.stringify(endpoint.filter, null, 2),
        transform: endpoint.transform?.expression ?? '',
        retries: endpoint.retry.enabled,
        preset: typeof schedule === 'string' ? schedule : 'custom',
        delays: typeof schedule === 'string' ? [] : schedule,
        attempts: endpoint.retry.max_attempts,
        timeoutS: Math.round(endpoint.timeout_ms / 1000),
        secret: '',
    }
}

/** JSON of a field; undefined when it is none. "" is null. */
export function parseField(text: string): { value: unknown } | undefined {
    if (text.trim() === '') {
        return { value: null }
    }
    try {
        return { value: JSON.parse(text) as unknown }
    } catch {
        return undefined
    }
}

/** What keeps the form here, by JSON Pointer. */
export function faultsOf(draft: Draft): Record<string, string> {
    const faults: Record<string, string> = {}
    if (draft.url.trim() === '') {
        faults['/url'] = 'Endpoint must be a valid HTTPS URL.'
    }
    if (!draft.events.all && draft.events.types.length === 0) {
        faults['/event_types'] = 'Select at least one event, or all events.'
    }
    const filter = parseField(draft.filter)
    if (filter === undefined || (filter.value !== null && typeof filter.value !== 'object')) {
        faults['/filter'] = 'This is not a JSON object.'
    }
    return faults
}

type Fields = Omit<EndpointInput, 'status' | 'secret'>

function fieldsOf(draft: Draft, retry: Endpoint['retry'] | undefined): Fields {
    const custom = draft.preset === 'custom'
    return {
        name: draft.name.trim() === '' ? null : draft.name.trim(),
        description: draft.description.trim(),
        url: draft.url.trim(),
        event_types: draft.events.all ? [] : draft.events.types,
        payload_style: draft.style,
        envelope: draft.envelope,
        workspaces: draft.workspaces,
        campaigns: draft.campaigns,
        contact_tags: draft.contactTags,
        filter: (parseField(draft.filter)?.value ?? null) as NonNullable<Fields['filter']> | null,
        transform: draft.transform.trim() === '' ? null : { language: 'jmespath', expression: draft.transform.trim() },
        timeout_ms: draft.timeoutS * 1000,
        retry: {
            ...retry,
            enabled: draft.retries,
            schedule: custom ? draft.delays : (draft.preset as 'platform'),
            max_attempts: draft.attempts,
        },
    }
}

export function inputOf(draft: Draft): EndpointInput {
    return {
        ...fieldsOf(draft, undefined),
        url: draft.url.trim(),
        status: draft.status,
        ...(draft.secret === '' ? {} : { secret: draft.secret }),
    }
}

/** What differs from the endpoint as it was read; the rest is not touched. */
export function changesOf(draft: Draft, endpoint: Endpoint): Partial<EndpointInput> {
    const before = { ...fieldsOf(draftOf(endpoint), endpoint.retry) }
    const after = { ...fieldsOf(draft, endpoint.retry) }
    const changed = (Object.keys(after) as (keyof Fields)[]).filter(
        (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
    )
    const same = draftOf(endpoint).status === draft.status
    return {
        ...Object.fromEntries(changed.map((name) => [name, after[name]])),
        ...(same ? {} : { status: draft.status }),
    }
}
