// SPDX-License-Identifier: Apache-2.0
//
// zone.ts - where a page stands. The same pages serve operators (/admin), the product's own team
// (/dashboard, on the app `default`) and customers (/portal); a zone says which app they are about,
// what may be done, and where their links lead.
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'

export interface Zone {
    name: 'admin' | 'dashboard' | 'portal'
    /** Id or slug of the app. */
    app: string
    canManage: boolean
    endpoints: string
    newEndpoint: string
    deliveries: string
    eventTypes: string
    endpoint: (id: string, tab?: string) => string
    delivery: (id: string) => string
    event: (id: string) => string
}

export function dashboardZone(): Zone {
    const base = '/dashboard/settings/webhooks'
    return {
        name: 'dashboard',
        app: 'default',
        canManage: true,
        endpoints: base,
        newEndpoint: `${base}/create`,
        deliveries: '/dashboard/webhooks/deliveries',
        eventTypes: `${base}/events`,
        endpoint: (id, tab) => `${base}/${id}${tab === undefined ? '' : `/${tab}`}`,
        delivery: (id) => `/dashboard/webhooks/deliveries/${id}`,
        event: (id) => `/dashboard/webhooks/events/${id}`,
    }
}

export function portalZone(app: string, canManage: boolean): Zone {
    return {
        name: 'portal',
        app,
        canManage,
        endpoints: '/portal',
        newEndpoint: '/portal/endpoints/new',
        deliveries: '/portal/deliveries',
        eventTypes: '/portal/events',
        endpoint: (id, tab) => `/portal/endpoints/${id}${tab === undefined ? '' : `/${tab}`}`,
        delivery: (id) => `/portal/deliveries/${id}`,
        event: (id) => `/portal/events/by-id/${id}`,
    }
}

export function adminZone(app: string): Zone {
    const base = `/admin/apps/${app}`
    return {
        name: 'admin',
        app,
        canManage: true,
        endpoints: `${base}/endpoints`,
        newEndpoint: `${base}/endpoints/new`,
        deliveries: `${base}/deliveries`,
        eventTypes: '/admin/event-types',
        endpoint: (id, tab) => `${base}/endpoints/${id}${tab === undefined ? '' : `/${tab}`}`,
        delivery: (id) => `${base}/deliveries/${id}`,
        event: (id) => `${base}/events/${id}`,
    }
}

export const ZoneContext = createContext<Zone>(dashboardZone())

export function useZone(): Zone {
    return useContext(ZoneContext)
}
