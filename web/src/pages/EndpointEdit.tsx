// SPDX-License-Identifier: Apache-2.0
//
// EndpointEdit - change a webhook: only what was changed is sent, and only onto what was read.
import { useSignal } from '@preact/signals'
import { useLocation, useRoute } from 'preact-iso'
import { editEndpoint, readEndpoint } from '../api/endpoints'
import type { Answer } from '../api/client'
import type { Endpoint } from '../api/types'
import { changesOf, draftOf } from '../lib/draft'
import { useSubmit } from '../lib/submit'
import { PageBody } from '../parts/Shell'
import { Loaded } from '../parts/States'
import { toast } from '../parts/Toast'
import { WebhookForm } from '../parts/WebhookForm'
import { useQuery } from '../state/query'
import { useZone } from '../state/zone'

function Edit({ answer }: { answer: Answer<Endpoint> }) {
    const zone = useZone()
    const location = useLocation()
    const endpoint = answer.data
    const draft = useSignal(draftOf(endpoint))
    const submit = useSubmit()
    return (
        <PageBody title={`Edit ${endpoint.name}`}>
            <WebhookForm
                draft={draft}
                set={(changes) => (draft.value = { ...draft.value, ...changes })}
                submit={submit}
                isNew={false}
                action="Save Changes"
                extra={
                    <a class="button" href={zone.endpoint(endpoint.id)}>
                        Cancel
                    </a>
                }
                onSave={(next) =>
                    void submit.run(async () => {
                        const changes = changesOf(next, endpoint)
                        if (Object.keys(changes).length > 0) {
                            await editEndpoint(zone.app, endpoint.id, changes, answer.etag)
                        }
                        toast('Saved')
                        location.route(zone.endpoint(endpoint.id))
                    })
                }
            />
        </PageBody>
    )
}

export default function EndpointEdit() {
    const zone = useZone()
    const id = useRoute().params['endpoint'] ?? ''
    const query = useQuery(`${zone.app} ${id}`, (signal) => readEndpoint(zone.app, id, signal))
    return <Loaded query={query}>{(answer) => <Edit answer={answer} />}</Loaded>
}
