// SPDX-License-Identifier: Apache-2.0
//
// EndpointNew - create a webhook. A URL is enough.
import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso'
import { createEndpoint } from '../api/endpoints'
import type { Endpoint } from '../api/types'
import { useSubmit } from '../lib/submit'
import { TextField } from '../parts/Field'
import { SecretReveal } from '../parts/SecretReveal'
import { PageBody } from '../parts/Shell'
import { ProblemBanner } from '../parts/States'
import { useZone } from '../state/zone'

export default function EndpointNew() {
    const zone = useZone()
    const location = useLocation()
    const url = useSignal('')
    const name = useSignal('')
    const form = useSubmit()
    const made = useSignal<Endpoint | undefined>(undefined)
    const submit = async (event: Event) => {
        event.preventDefault()
        await form.run(async () => {
            made.value = await createEndpoint(zone.app, {
                url: url.value.trim(),
                ...(name.value.trim() === '' ? {} : { name: name.value.trim() }),
            })
        })
    }
    return (
        <PageBody title="Create Webhook">
            <form class="stack loose" style={{ maxWidth: '640px' }} onSubmit={(event) => void submit(event)}>
                <TextField
                    label="Endpoint URL"
                    type="url"
                    required
                    placeholder="https://example.com/webhooks"
                    value={url.value}
                    onInput={(value) => {
                        url.value = value
                    }}
                    fault={form.fault('/url')}
                    help="Your server endpoint that will receive webhook events."
                />
                <TextField
                    label="Name (optional)"
                    value={name.value}
                    onInput={(value) => {
                        name.value = value
                    }}
                    fault={form.fault('/name')}
                    help="Choose a descriptive name to identify this webhook."
                />
                {form.problem.value !== undefined && <ProblemBanner problem={form.problem.value} />}
                <div class="row">
                    <button type="submit" class="button primary" disabled={form.busy.value}>
                        Create Webhook
                    </button>
                    <a class="button" href={zone.endpoints}>
                        Cancel
                    </a>
                </div>
            </form>
            {made.value !== undefined && (
                <SecretReveal
                    title="Webhook Created Successfully"
                    secret={made.value.secret ?? ''}
                    id={made.value.id}
                    onClose={() => location.route(zone.endpoint(made.value?.id ?? ''))}
                />
            )}
        </PageBody>
    )
}
