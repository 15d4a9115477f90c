// SPDX-License-Identifier: Apache-2.0
//
// WebhookForm - all that a webhook is, in five steps on one page; a URL is enough. It serves creating and editing.
import { useSignal, type ReadonlySignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { readCatalogue } from '../api/catalogue'
import { serverFacts } from '../api/server'
import { faultsOf, type Draft } from '../lib/draft'
import type { Submit } from '../lib/submit'
import { useQuery } from '../state/query'
import { useZone } from '../state/zone'
import { EventPicker } from './EventPicker'
import { TextField } from './Field'
import { FilterSection } from './FilterSection'
import { Radios, Section, type SectionProps } from './form'
import { PayloadSection, StyleChoice } from './PayloadSection'
import { RetrySection } from './RetrySection'
import { ProblemBanner } from './States'
import { TestBeforeSaving } from './TestBeforeSaving'
import { UrlField } from './UrlField'

interface Props {
    draft: ReadonlySignal<Draft>
    set: (changes: Partial<Draft>) => void
    submit: Submit
    isNew: boolean
    action: string
    onSave: (draft: Draft) => void
    extra?: ComponentChildren
}

function Basics({ draft, set, fault }: SectionProps) {
    return (
        <>
            <UrlField value={draft.url} onInput={(url) => set({ url })} fault={fault('/url')} />
            <TextField
                label="Webhook Name"
                placeholder="CRM Contact Sync"
                value={draft.name}
                onInput={(name) => set({ name })}
                fault={fault('/name')}
                help="Choose a descriptive name to identify this webhook. Without one it gets one."
            />
            <TextField
                label="Description (optional)"
                rows={2}
                value={draft.description}
                onInput={(description) => set({ description })}
                fault={fault('/description')}
            />
            <Radios
                label="Status"
                value={draft.status}
                onChange={(status) => set({ status })}
                options={[
                    ['active', 'Active', 'Start receiving events immediately'],
                    ['paused', 'Paused', "Create but don't send events yet"],
                ]}
            />
        </>
    )
}

const hasFilters = (d: Draft) => d.workspaces.length + d.campaigns.length + d.contactTags.length > 0 || d.filter !== ''

export function WebhookForm({ draft, set, submit, isNew, action, onSave, extra }: Props) {
    const zone = useZone()
    const tried = useSignal(false)
    const catalogue = useQuery('', (signal) => readCatalogue(signal)).state.value.data ?? []
    const facts = useQuery('', (signal) => serverFacts(signal)).state.value.data
    const now = draft.value
    const own = tried.value ? faultsOf(now) : {}
    // Where the form opens folded sections is as it was when the page was opened.
    const opened = useSignal({ filters: hasFilters(now), payload: now.transform !== '' || now.envelope !== 'native' }).value
    const props: SectionProps = { draft: now, set, fault: (pointer) => own[pointer] ?? submit.fault(pointer) }

    const save = (changes: Partial<Draft> = {}) => {
        tried.value = true
        const next = { ...now, ...changes }
        if (Object.keys(faultsOf(next)).length === 0) {
            onSave(next)
        }
    }
    return (
        <form
            class="stack webhook-form"
            noValidate
            onSubmit={(event) => {
                event.preventDefault()
                save()
            }}
        >
            <Section title="Step 1: Basic Configuration">
                <Basics {...props} />
            </Section>
            <Section title="Step 2: Event Selection">
                <EventPicker
                    catalogue={catalogue}
                    choice={now.events}
                    onChange={(events) => set({ events })}
                    fault={props.fault('/event_types')}
                    samplesHref={zone.eventTypes}
                />
                <StyleChoice {...props} />
            </Section>
            <Section title="Step 3: Event Filters (Optional)" folded={!opened.filters}>
                <FilterSection {...props} />
            </Section>
            <Section title="Envelope and Transform (Optional)" folded={!opened.payload}>
                <PayloadSection {...props} catalogue={catalogue} />
            </Section>
            <Section title="Step 4: Security & Retry Configuration">
                <RetrySection {...props} facts={facts} asksSecret={isNew} />
            </Section>
            <Section title="Step 5: Test Before Saving">
                <TestBeforeSaving
                    {...props}
                    catalogue={catalogue}
                    keepsSecret={isNew}
                    onSaveAnyway={() => save({ status: 'paused' })}
                />
            </Section>
            {Object.keys(own).length > 0 && (
                <div class="banner failed" role="alert">
                    <ul>
                        {Object.entries(own).map(([pointer, text]) => (
                            <li key={pointer}>{text}</li>
                        ))}
                    </ul>
                </div>
            )}
            {submit.problem.value !== undefined && <ProblemBanner problem={submit.problem.value} />}
            <div class="row">
                <button type="submit" class="button primary" disabled={submit.busy.value}>
                    {action}
                </button>
                {extra}
            </div>
        </form>
    )
}
