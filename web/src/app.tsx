// SPDX-License-Identifier: Apache-2.0
//
// app.tsx - the table of pages. Each page is loaded when it is first opened.
import type { ComponentChildren } from 'preact'
import { lazy, LocationProvider, Route, Router, useLocation } from 'preact-iso'
import { Shell, type NavGroup } from './parts/Shell'
import { SignIn } from './parts/SignIn'
import { Empty } from './parts/States'
import { isSignedIn } from './state/session'
import { adminZone, dashboardZone, ZoneContext, type Zone } from './state/zone'

const AppList = lazy(() => import('./pages/AppList'))
const DeliveryLog = lazy(() => import('./pages/DeliveryLog'))
const DeliveryPage = lazy(() => import('./pages/DeliveryPage'))
const InboxPage = lazy(() => import('./pages/InboxPage'))
const EventPage = lazy(() => import('./pages/EventPage'))
const EndpointList = lazy(() => import('./pages/EndpointList'))
const EndpointNew = lazy(() => import('./pages/EndpointNew'))
const EndpointEdit = lazy(() => import('./pages/EndpointEdit'))
const EndpointTest = lazy(() => import('./pages/EndpointTest'))
const EventReference = lazy(() => import('./pages/EventReference'))
const EndpointPage = lazy(() => import('./pages/EndpointPage'))

const dashboardNav: NavGroup[] = [
    {
        title: '',
        links: [
            ['/dashboard/settings/webhooks', 'Webhooks'],
            ['/dashboard/webhooks/deliveries', 'Deliveries'],
            ['/dashboard/settings/webhooks/events', 'Events'],
        ],
    },
]

function NotFound() {
    return (
        <Empty title="There is no such page">
            <p>
                <a href="/dashboard/settings/webhooks">All webhooks</a>
            </p>
        </Empty>
    )
}

function Zoned({ zone, groups, children }: { zone: Zone; groups: NavGroup[]; children: ComponentChildren }) {
    return (
        <ZoneContext.Provider value={zone}>
            <Shell groups={groups}>{children}</Shell>
        </ZoneContext.Provider>
    )
}

function Dashboard() {
    const base = '/dashboard/settings/webhooks'
    return (
        <Zoned zone={dashboardZone()} groups={dashboardNav}>
            <Router>
                <Route path={base} component={EndpointList} />
                <Route path={`${base}/create`} component={EndpointNew} />
                <Route path={`${base}/events`} component={EventReference} />
                <Route path={`${base}/:endpoint`} component={EndpointPage} />
                <Route path={`${base}/:endpoint/edit`} component={EndpointEdit} />
                <Route path={`${base}/:endpoint/test`} component={EndpointTest} />
                <Route path={`${base}/:endpoint/deliveries`} component={DeliveryLog} />
                <Route path="/dashboard/webhooks/deliveries" component={DeliveryLog} />
                <Route path="/dashboard/webhooks/deliveries/:delivery" component={DeliveryPage} />
                <Route path="/dashboard/webhooks/events/:event" component={EventPage} />
                <Route path="/dashboard" component={EndpointList} />
                <Route default component={NotFound} />
            </Router>
        </Zoned>
    )
}

const adminNav: NavGroup[] = [
    {
        title: '',
        links: [
            ['/admin/apps', 'Apps'],
            ['/admin/event-types', 'Event types'],
        ],
    },
]

/** /admin/apps/:app/...: the pages of one app; the other places of operators are about all of them. */
function Admin() {
    const { path } = useLocation()
    const app = /^\/admin\/apps\/([^/]+)/.exec(path)?.[1] ?? 'default'
    const base = '/admin/apps/:app'
    const groups = path.startsWith('/admin/apps/')
        ? [
              ...adminNav,
              {
                  title: app,
                  links: [
                      [`/admin/apps/${app}/endpoints`, 'Webhooks'],
                      [`/admin/apps/${app}/deliveries`, 'Deliveries'],
                  ] as [string, string][],
              },
          ]
        : adminNav
    return (
        <Zoned zone={adminZone(app)} groups={groups}>
            <Router>
                <Route path="/admin" component={AppList} />
                <Route path="/admin/apps" component={AppList} />
                <Route path="/admin/event-types" component={EventReference} />
                <Route path={`${base}/endpoints`} component={EndpointList} />
                <Route path={`${base}/endpoints/new`} component={EndpointNew} />
                <Route path={`${base}/endpoints/:endpoint`} component={EndpointPage} />
                <Route path={`${base}/endpoints/:endpoint/edit`} component={EndpointEdit} />
                <Route path={`${base}/endpoints/:endpoint/test`} component={EndpointTest} />
                <Route path={`${base}/endpoints/:endpoint/deliveries`} component={DeliveryLog} />
                <Route path={`${base}/deliveries`} component={DeliveryLog} />
                <Route path={`${base}/deliveries/:delivery`} component={DeliveryPage} />
                <Route path={`${base}/events/:event`} component={EventPage} />
                <Route default component={NotFound} />
            </Router>
        </Zoned>
    )
}

function Zones() {
    const { path } = useLocation()
    if (path.startsWith('/catch/')) {
        return (
            <Router>
                <Route path="/catch/:token" component={InboxPage} />
                <Route default component={NotFound} />
            </Router>
        )
    }
    if (!isSignedIn.value) {
        return <SignIn />
    }
    if (path === '/dashboard' || path.startsWith('/dashboard/')) {
        return <Dashboard />
    }
    if (path === '/admin' || path.startsWith('/admin/')) {
        return <Admin />
    }
    return <NotFound />
}

export function App() {
    return (
        <LocationProvider>
            <Zones />
        </LocationProvider>
    )
}
