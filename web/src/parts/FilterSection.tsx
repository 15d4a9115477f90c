// SPDX-License-Identifier: Apache-2.0
//
// FilterSection - which of the chosen events are sent: by workspace, campaign, contact tag, and by a JSON filter
// that can be tried before it is saved.
import { useSignal } from '@preact/signals'
import { facets, testFilter, type FilterVerdict } from '../api/endpoints'
import { parseField } from '../lib/draft'
import { useSubmit } from '../lib/submit'
import { useQuery } from '../state/query'
import { useZone } from '../state/zone'
import { TextField } from './Field'
import type { SectionProps } from './form'
import { ProblemBanner } from './States'
import { TagInput } from './TagInput'

function useFacet(field: 'workspaces' | 'campaigns' | 'contact_tags'): string[] {
    const zone = useZone()
    const query = useQuery(`${zone.app} ${field}`, (signal) => facets(zone.app, field, signal))
    return (query.state.value.data?.data ?? []).map((v) => v.value)
}

function Verdict({ verdict, sampled }: { verdict: FilterVerdict; sampled: boolean }) {
    if (verdict.errors.length > 0) {
        return (
            <div class="banner failed" role="alert">
                <ul>
                    {verdict.errors.map((e) => (
                        <li key={e.pointer}>
                            <code>{e.pointer}</code> {e.detail}
                        </li>
                    ))}
                </ul>
            </div>
        )
    }
    if (!sampled) {
        return (
            <div class="banner delivered" role="status">
                ✓ The filter is valid.
            </div>
        )
    }
    return verdict.matches === true ? (
        <div class="banner delivered" role="status">
            ✓ This event would be sent.
        </div>
    ) : (
        <div class="banner retrying" role="status">
            <p>
                This event would not be sent
                {verdict.failed_rule === null ? '.' : <>: the rule <code>{verdict.failed_rule}</code> says no.</>}
            </p>
        </div>
    )
}

function FilterTest({ filter }: { filter: string }) {
    const sample = useSignal('')
    const verdict = useSignal<FilterVerdict | undefined>(undefined)
    const unreadable = useSignal('')
    const submit = useSubmit()
    const run = async () => {
        const parsed = parseField(filter)
        const data = parseField(sample.value)
        verdict.value = undefined
        unreadable.value =
            parsed === undefined ? 'The filter is not JSON.' : data === undefined ? 'The sample is not JSON.' : ''
        if (parsed !== undefined && data !== undefined) {
            await submit.run(async () => {
                verdict.value = await testFilter({
                    filter: parsed.value as never,
                    ...(data.value === null ? {} : { sample: data.value as never }),
                })
            })
        }
    }
    return (
        <>
            <details>
                <summary>Try it on the data of an event</summary>
                <TextField
                    label="Data (optional)"
                    rows={4}
                    value={sample.value}
                    onInput={(v) => (sample.value = v)}
                    help="Without data the syntax alone is checked."
                />
            </details>
            <div>
                <button type="button" class="button" disabled={submit.busy.value} onClick={() => void run()}>
                    Test Filter
                </button>
            </div>
            {unreadable.value !== '' && (
                <p class="bad" role="alert">
                    {unreadable.value}
                </p>
            )}
            {submit.problem.value !== undefined && <ProblemBanner problem={submit.problem.value} />}
            {verdict.value !== undefined && <Verdict verdict={verdict.value} sampled={sample.value.trim() !== ''} />}
        </>
    )
}

const example = '{"contact.tags": ["vip", "premium"], "email.opened_count": {"$gte": 3}}'

export function FilterSection({ draft, set, fault }: SectionProps) {
    return (
        <>
            <TagInput
                label="Filter by Workspace"
                placeholder="All workspaces"
                values={draft.workspaces}
                suggestions={useFacet('workspaces')}
                onChange={(workspaces) => set({ workspaces })}
                fault={fault('/workspaces')}
                help="Only receive events from selected workspaces."
            />
            <TagInput
                label="Filter by Campaign"
                placeholder="All campaigns"
                values={draft.campaigns}
                suggestions={useFacet('campaigns')}
                onChange={(campaigns) => set({ campaigns })}
                fault={fault('/campaigns')}
                help="Only receive events from selected campaigns."
            />
            <TagInput
                label="Filter by Contact Tags"
                placeholder="vip, premium"
                values={draft.contactTags}
                suggestions={useFacet('contact_tags')}
                onChange={(contactTags) => set({ contactTags })}
                fault={fault('/contact_tags')}
                help="Only receive events for contacts with these tags."
            />
            <TextField
                label="Custom JSON Filters (Advanced)"
                rows={5}
                value={draft.filter}
                onInput={(filter) => set({ filter })}
                fault={fault('/filter')}
                help={
                    <>
                        All rules must hold, such as <code>{example}</code>. <a href="/docs/filters">All operators</a>
                    </>
                }
            />
            <FilterTest filter={draft.filter} />
        </>
    )
}
