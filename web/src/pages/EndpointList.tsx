// SPDX-License-Identifier: Apache-2.0
//
// EndpointList - all webhooks of an app: how they stand, how they did for a week, what can be done.
import { useSignal } from '@preact/signals'
import { Problem } from '../api/client'
import { allEndpoints, deleteEndpoint, pauseEndpoint, resumeEndpoint } from '../api/endpoints'
import { appStats, sparklines, type Sparklines } from '../api/stats'
import type { Endpoint } from '../api/types'
import { useAddress } from '../lib/address'
import { chooseEndpoints } from '../lib/selection'
import { isInTrouble, standings } from '../lib/standing'
import { Confirm } from '../parts/Confirm'
import { Copyable } from '../parts/Copy'
import { FilterBar, type Filter } from '../parts/FilterBar'
import { PageBody } from '../parts/Shell'
import { Empty, Loaded } from '../parts/States'
import { TestDialog } from '../parts/TestDialog'
import { toast } from '../parts/Toast'
import { WebhookRow, type RowAction } from '../parts/WebhookRow'
import { WebhookTiles } from '../parts/WebhookTiles'
import { useQuery } from '../state/query'
import { useZone, type Zone } from '../state/zone'

const columns = ['Webhook', 'Status', 'Events', 'Activity, 7 days', 'Last 24 hours', 'Source', 'Actions']

function filtersFor(endpoints: Endpoint[]): Filter[] {
    const types = [...new Set(endpoints.flatMap((e) => e.event_types))].sort()
    return [
        { name: 'q', label: 'Search', placeholder: 'Name or endpoint URL' },
        { name: 'status', label: 'Status', options: [...standings, ['trouble', 'Needs attention']] },
        { name: 'event', label: 'Events', options: types.map((type) => [type, type]) },
    ]
}

function Sort() {
    const address = useAddress()
    return (
        <div class="field filter">
            <label for="sort">Sort by</label>
            <select
                id="sort"
                value={address.get('sort')}
                onChange={(event) => address.set({ sort: event.currentTarget.value })}
            >
                <option value="">Created, newest first</option>
                <option value="volume">Volume of 7 days</option>
                <option value="failing">Failing first</option>
            </select>
        </div>
    )
}

function FirstSteps({ zone }: { zone: Zone }) {
    const command = `curl -X POST ${location.origin}/api/v1/apps/${zone.app}/endpoints -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"url":"https://example.com/webhooks"}'`
    return (
        <Empty title="No webhooks yet">
            <p class="muted">A webhook is a URL of yours that receives events. Create one here, or by API:</p>
            <div class="code">
                <Copyable text={command} what="command" />
            </div>
            {zone.canManage && (
                <p>
                    <a class="button primary" href={zone.newEndpoint}>
                        + Create Webhook
                    </a>
                </p>
            )}
        </Empty>
    )
}

interface TableProps {
    rows: Endpoint[]
    zone: Zone
    week: Sparklines | undefined
    day: Sparklines | undefined
    onAction: (action: RowAction, endpoint: Endpoint) => void
}

const byId = (lines: Sparklines | undefined) => new Map((lines?.data ?? []).map((s) => [s.endpoint_id, s]))

function WebhookTable({ rows, zone, week, day, onAction }: TableProps) {
    const weeks = byId(week)
    const days = byId(day)
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Webhooks">
            <table class="webhooks">
                <caption class="sr-only">Webhooks</caption>
                <thead>
                    <tr>
                        {columns.map((text) => (
                            <th scope="col" key={text}>
                                {text}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {rows.map((endpoint) => (
                        <WebhookRow
                            key={endpoint.id}
                            endpoint={endpoint}
                            zone={zone}
                            week={week}
                            spark={weeks.get(endpoint.id)}
                            day={days.get(endpoint.id)}
                            onAction={onAction}
                        />
                    ))}
                </tbody>
            </table>
        </div>
    )
}

export default function EndpointList() {
    const zone = useZone()
    const address = useAddress()
    const query = useQuery(zone.app, (signal) => allEndpoints(zone.app, signal))
    const week = useQuery(zone.app, (signal) => sparklines(zone.app, '7d', signal)).state.value.data
    const day = useQuery(zone.app, (signal) => sparklines(zone.app, '24h', signal)).state.value.data
    const today = useQuery(zone.app, (signal) => appStats(zone.app, 'today', signal)).state.value.data
    const testing = useSignal<Endpoint | undefined>(undefined)
    const deleting = useSignal<Endpoint | undefined>(undefined)
    const failing = (query.state.value.data?.rows ?? []).filter(isInTrouble).length

    const toggle = async (endpoint: Endpoint) => {
        try {
            const next = await (endpoint.status === 'active' ? pauseEndpoint : resumeEndpoint)(
                zone.app,
                endpoint.id,
            )
            toast(next.status === 'active' ? `${next.name} is active` : `${next.name} is paused: new events are held`)
        } catch (error) {
            toast(error instanceof Problem ? error.message : String(error))
        }
        query.reload()
    }
    const act = (action: RowAction, endpoint: Endpoint) => {
        if (action === 'toggle') {
            void toggle(endpoint)
        } else if (action === 'test') {
            testing.value = endpoint
        } else {
            deleting.value = endpoint
        }
    }
    const wanted = {
        status: address.get('status'),
        event: address.get('event'),
        q: address.get('q'),
        sort: address.get('sort'),
    }
    return (
        <PageBody
            title="Webhooks"
            {...(failing > 0 ? { mark: `(${failing} failing)` } : {})}
            actions={
                zone.canManage && (
                    <a class="button primary" href={zone.newEndpoint}>
                        + Create Webhook
                    </a>
                )
            }
        >
            <Loaded query={query}>
                {({ rows, cut }) => {
                    const chosen = chooseEndpoints([...rows], wanted, byId(week))
                    return rows.length === 0 ? (
                        <FirstSteps zone={zone} />
                    ) : (
                        <>
                            <WebhookTiles
                                endpoints={rows}
                                today={today}
                                onFailing={() => address.set({ status: 'trouble' })}
                            />
                            <FilterBar filters={filtersFor(rows)}>
                                <Sort />
                            </FilterBar>
                            {chosen.length === 0 ? (
                                <Empty title="No webhook fits these filters">
                                    <p class="muted">Take one of the chips away; there are {rows.length} in all.</p>
                                </Empty>
                            ) : (
                                <WebhookTable rows={chosen} zone={zone} week={week} day={day} onAction={act} />
                            )}
                            {cut && <p class="muted">Only the newest {rows.length} are shown here.</p>}
                        </>
                    )
                }}
            </Loaded>
            <TestDialog endpoint={testing.value} onClose={() => (testing.value = undefined)} />
            <Confirm
                title={`Delete ${deleting.value?.name ?? ''}?`}
                action="Delete Webhook"
                danger
                open={deleting.value !== undefined}
                onClose={() => (deleting.value = undefined)}
                onConfirm={async () => {
                    await deleteEndpoint(zone.app, deleting.value?.id ?? '')
                    query.reload()
                }}
            >
                <p>This cannot be undone; history stays 30 days.</p>
            </Confirm>
        </PageBody>
    )
}
