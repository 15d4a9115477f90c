// SPDX-License-Identifier: Apache-2.0
//
// EndpointNew - create a webhook. A URL is enough.
import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso'
import { createEndpoint } from '../api/endpoints'
import type { Endpoint } from '../api/types'
import { emptyDraft, inputOf, type Draft } from '../lib/draft'
import { useSubmit } from '../lib/submit'
import { SecretReveal } from '../parts/SecretReveal'
import { PageBody } from '../parts/Shell'
import { WebhookForm } from '../parts/WebhookForm'
import { useZone } from '../state/zone'

export default function EndpointNew() {
    const zone = useZone()
    const location = useLocation()
    const draft = useSignal<Draft>(emptyDraft)
    const submit = useSubmit()
    const made = useSignal<Endpoint | undefined>(undefined)
    return (
        <PageBody title="Create Webhook">
            <WebhookForm
                draft={draft}
                set={(changes) => (draft.value = { ...draft.value, ...changes })}
                submit={submit}
                isNew
                action="Create Webhook"
                extra={
                    <a class="button" href={zone.endpoints}>
                        Cancel
                    </a>
                }
                onSave={(next) =>
                    void submit.run(async () => {
                        made.value = await createEndpoint(zone.app, inputOf(next))
                    })
                }
            />
            {made.value?.secret !== undefined && (
                <SecretReveal
                    title="Webhook Created Successfully"
                    id={made.value.id}
                    secret={made.value.secret}
                    onClose={() => location.route(zone.endpoint(made.value?.id ?? ''))}
                >
                    <h3>Next Steps</h3>
                    <ul>
                        <li>
                            <a href={zone.endpoint(made.value.id)}>View Webhook Details →</a>
                        </li>
                        <li>
                            <a href={`${zone.endpoint(made.value.id, 'test')}#code`}>View Code Examples →</a>
                        </li>
                        <li>
                            <a href={zone.endpoint(made.value.id, 'test')}>Test Webhook →</a>
                        </li>
                    </ul>
                </SecretReveal>
            )}
        </PageBody>
    )
}
