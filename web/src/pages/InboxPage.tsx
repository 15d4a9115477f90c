// SPDX-License-Identifier: Apache-2.0
//
// InboxPage - what a test inbox received, as it comes, and how it answers. Who has the link may look.
import { useSignal } from '@preact/signals'
import { useRoute } from 'preact-iso'
import { useEffect } from 'preact/hooks'
import { clearInbox, readInbox, setInbox, type Inbox, type InboxBehaviour } from '../api/inbox'
import { useSubmit } from '../lib/submit'
import { Confirm } from '../parts/Confirm'
import { Copyable } from '../parts/Copy'
import { TextField } from '../parts/Field'
import { HttpMessage } from '../parts/HttpMessage'
import { PageBody } from '../parts/Shell'
import { Empty, Loaded, ProblemBanner } from '../parts/States'
import { StatusBadge } from '../parts/StatusBadge'
import { Time } from '../parts/Time'
import { toast, Toasts } from '../parts/Toast'
import { useQuery } from '../state/query'

const pollMs = 2000

function Behaviour({ token, now, onSet }: { token: string; now: InboxBehaviour; onSet: (inbox: Inbox) => void }) {
    const status = useSignal(String(now.status ?? 200))
    const delay = useSignal(String(now.delay_ms ?? 0))
    const failures = useSignal(String(now.failure_percent ?? 0))
    const form = useSubmit()
    const submit = async (event: Event) => {
        event.preventDefault()
        await form.run(async () => {
            onSet(
                await setInbox(token, {
                    status: Number(status.value),
                    delay_ms: Number(delay.value),
                    failure_percent: Number(failures.value),
                }),
            )
            toast('The inbox answers so from now on')
        })
    }
    return (
        <details class="card">
            <summary>How it answers: {now.status}</summary>
            <form class="stack" style={{ marginTop: 'var(--s4)' }} onSubmit={(event) => void submit(event)}>
                <div class="filters">
                    <TextField label="Status" value={status.value} onInput={(v) => (status.value = v)} />
                    <TextField label="Delay in ms" value={delay.value} onInput={(v) => (delay.value = v)} />
                    <TextField label="Failures in %" value={failures.value} onInput={(v) => (failures.value = v)} />
                </div>
                {form.problem.value !== undefined && <ProblemBanner problem={form.problem.value} />}
                <div>
                    <button type="submit" class="button">
                        Answer so
                    </button>
                </div>
            </form>
        </details>
    )
}

function Requests({ inbox }: { inbox: Inbox }) {
    return (
        <section class="stack">
            <h2>Requests</h2>
            <ol class="stack" aria-label="Requests, newest first">
            {inbox.data.map((request, i) => (
                <li key={`${request.delivery_id} ${request.attempt}`}>
                    <details class="card attempt" open={i === 0}>
                        <summary>
                            <span class="row">
                                <StatusBadge status={request.valid ? 'delivered' : 'failed'}>
                                    {request.valid ? 'Signature valid' : request.verdict}
                                </StatusBadge>
                                <strong>{request.event_type}</strong>
                                <Time at={request.received_at} form="absolute" />
                                <span class="muted">attempt {request.attempt}</span>
                            </span>
                        </summary>
                        <HttpMessage
                            title="Request"
                            line="POST HTTP/1.1"
                            headers={request.headers}
                            body={request.body}
                        />
                    </details>
                </li>
            ))}
            </ol>
        </section>
    )
}

export default function InboxPage() {
    const token = useRoute().params['token'] ?? ''
    const query = useQuery(token, (signal) => readInbox(token, signal))
    const clearing = useSignal(false)

    // Memory is all that is asked, so asking again is cheap; not while nobody looks.
    useEffect(() => {
        const timer = setInterval(() => {
            if (!document.hidden) {
                query.reload()
            }
        }, pollMs)
        return () => clearInterval(timer)
    }, [token])

    return (
        <main class="shell-main">
            <PageBody
                title="Test inbox"
                lead={
                    <p class="muted">
                        Requests to this address are kept in memory and go nowhere.{' '}
                        <Copyable text={`${location.origin}/catch/${token}`} what="address" />
                    </p>
                }
                actions={
                    <button type="button" class="button" onClick={() => (clearing.value = true)}>
                        Empty it
                    </button>
                }
            >
                <Loaded query={query}>
                    {(inbox) => (
                        <>
                            <Behaviour token={token} now={inbox.behaviour} onSet={query.set} />
                            {inbox.data.length === 0 ? (
                                <Empty title="Waiting for the first request…">
                                    <p class="muted">Point a webhook at this address and send a test event.</p>
                                </Empty>
                            ) : (
                                <Requests inbox={inbox} />
                            )}
                        </>
                    )}
                </Loaded>
                <Confirm
                    title="Forget all requests?"
                    action="Empty the inbox"
                    open={clearing.value}
                    onClose={() => (clearing.value = false)}
                    onConfirm={async () => {
                        await clearInbox(token)
                        query.reload()
                    }}
                >
                    <p>How it answers stays as it is.</p>
                </Confirm>
            </PageBody>
            <Toasts />
        </main>
    )
}
