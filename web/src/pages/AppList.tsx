// SPDX-License-Identifier: Apache-2.0
//
// AppList - the customers: each app has its own webhooks.
import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso'
import { createApp, listApps } from '../api/apps'
import { useAddress } from '../lib/address'
import { useSubmit } from '../lib/submit'
import { Dialog } from '../parts/Dialog'
import { TextField } from '../parts/Field'
import { Pager } from '../parts/Pager'
import { PageBody } from '../parts/Shell'
import { Loaded, ProblemBanner } from '../parts/States'
import { Time } from '../parts/Time'
import { useQuery } from '../state/query'

function CreateApp({ open, onClose }: { open: boolean; onClose: () => void }) {
    const location = useLocation()
    const name = useSignal('')
    const slug = useSignal('')
    const submit = useSubmit()
    const send = async (event: Event) => {
        event.preventDefault()
        await submit.run(async () => {
            const app = await createApp({
                name: name.value.trim(),
                ...(slug.value.trim() === '' ? {} : { slug: slug.value.trim() }),
            })
            location.route(`/admin/apps/${app.slug ?? app.id}/endpoints`)
        })
    }
    return (
        <Dialog title="Create app" open={open} onClose={onClose}>
            <form class="stack" onSubmit={(event) => void send(event)}>
                <TextField
                    label="Name"
                    required
                    value={name.value}
                    onInput={(v) => (name.value = v)}
                    fault={submit.fault('/name')}
                    help="One customer or tenant of yours."
                />
                <TextField
                    label="Slug (optional)"
                    value={slug.value}
                    onInput={(v) => (slug.value = v)}
                    fault={submit.fault('/slug')}
                    help="A short name for paths, such as your own id of the customer."
                />
                {submit.problem.value !== undefined && <ProblemBanner problem={submit.problem.value} />}
                <div class="row">
                    <button type="submit" class="button primary" disabled={submit.busy.value}>
                        Create app
                    </button>
                    <button type="button" class="button" onClick={onClose}>
                        Cancel
                    </button>
                </div>
            </form>
        </Dialog>
    )
}

export default function AppList() {
    const cursor = useAddress().get('cursor')
    const query = useQuery(cursor, (signal) => listApps({ cursor }, signal))
    const creating = useSignal(false)
    return (
        <PageBody
            title="Apps"
            lead={<p class="muted">An app is one customer whose webhooks receive your events.</p>}
            actions={
                <button type="button" class="button primary" onClick={() => (creating.value = true)}>
                    + Create app
                </button>
            }
        >
            <Loaded query={query}>
                {(page) => (
                    <>
                        <div class="scroll" tabIndex={0} role="group" aria-label="Apps">
                            <table>
                                <caption class="sr-only">Apps</caption>
                                <thead>
                                    <tr>
                                        <th scope="col">Name</th>
                                        <th scope="col">Slug</th>
                                        <th scope="col">Created</th>
                                        <th scope="col">Log</th>
                                    </tr>
                                </thead>
                                <tbody>
                                    {page.data.map((app) => (
                                        <tr class="table-row" key={app.id}>
                                            <th scope="row">
                                                <a href={`/admin/apps/${app.slug ?? app.id}/endpoints`}>{app.name}</a>
                                            </th>
                                            <td class="mono">{app.slug ?? '–'}</td>
                                            <td>
                                                <Time at={app.created_at} />
                                            </td>
                                            <td>
                                                <a href={`/admin/apps/${app.slug ?? app.id}/deliveries`}>
                                                    Deliveries<span class="sr-only"> of {app.name}</span>
                                                </a>
                                            </td>
                                        </tr>
                                    ))}
                                </tbody>
                            </table>
                        </div>
                        <Pager page={page} />
                    </>
                )}
            </Loaded>
            <CreateApp open={creating.value} onClose={() => (creating.value = false)} />
        </PageBody>
    )
}
