// SPDX-License-Identifier: Apache-2.0
//
// SecretCard - the signing secret, masked; rolled with a window in which both sign, which counts down.
import { useSignal } from '@preact/signals'
import { Problem } from '../api/client'
import { getEndpoint, revokePreviousSecret, rollSecret, type RolledSecret } from '../api/endpoints'
import type { Endpoint } from '../api/types'
import { useSubmit } from '../lib/submit'
import { useZone } from '../state/zone'
import { Dialog } from './Dialog'
import { SelectField } from './Field'
import { SecretReveal } from './SecretReveal'
import { ProblemBanner } from './States'
import { Time } from './Time'
import { toast } from './Toast'

const overlaps: [string, string][] = [
    ['86400', '24 hours'],
    ['3600', '1 hour'],
    ['259200', '3 days'],
    ['604800', '7 days'],
    ['0', 'None: the old one is invalid at once (after a leak)'],
]

interface Props {
    endpoint: Endpoint
    /** The endpoint as it is now. */
    onChange: (endpoint: Endpoint) => void
    rolling: boolean
    onRolling: (open: boolean) => void
}

function isOpen(endpoint: Endpoint): boolean {
    return endpoint.previous_secret_expires_at !== null && Date.parse(endpoint.previous_secret_expires_at) > Date.now()
}

function RollDialog({ endpoint, open, onClose, onRolled }: { endpoint: Endpoint; open: boolean; onClose: () => void; onRolled: (rolled: RolledSecret) => void }) {
    const zone = useZone()
    const overlap = useSignal('86400')
    const force = useSignal(false)
    const submit = useSubmit()
    const roll = () =>
        submit.run(async () => {
            onRolled(
                await rollSecret(zone.app, endpoint.id, {
                    overlap_seconds: Number(overlap.value),
                    force: force.value,
                }),
            )
        })
    const inWindow = isOpen(endpoint)
    return (
        <Dialog title="Rotate Secret Key" open={open} onClose={onClose}>
            <p>
                A new secret is made. Until the window ends, deliveries carry signatures by both, so receivers with either
                one verify. We cannot see which of them your receiver uses.
            </p>
            <SelectField
                label="How long the old secret stays valid"
                value={overlap.value}
                options={overlaps}
                onChange={(value) => (overlap.value = value)}
            />
            {inWindow && (
                <div class="banner failed">
                    <label class="choice">
                        <input
                            type="checkbox"
                            checked={force.value}
                            onChange={(event) => (force.value = event.currentTarget.checked)}
                        />
                        The last rotation is not over. Rotate again: the oldest secret ends now, also for receivers that
                        still use it.
                    </label>
                </div>
            )}
            {submit.problem.value !== undefined && <ProblemBanner problem={submit.problem.value} />}
            <div class="row">
                <button
                    type="button"
                    class="button danger"
                    disabled={submit.busy.value || (inWindow && !force.value)}
                    onClick={() => void roll()}
                >
                    Rotate Secret
                </button>
                <button type="button" class="button" onClick={onClose}>
                    Cancel
                </button>
            </div>
        </Dialog>
    )
}

export function SecretCard({ endpoint, onChange, rolling, onRolling }: Props) {
    const zone = useZone()
    const rolled = useSignal<RolledSecret | undefined>(undefined)
    const revoke = async () => {
        try {
            onChange(await revokePreviousSecret(zone.app, endpoint.id))
            toast('Only the new secret signs now')
        } catch (error) {
            toast(error instanceof Problem ? error.message : String(error))
        }
    }
    const done = async () => {
        rolled.value = undefined
        onChange(await getEndpoint(zone.app, endpoint.id))
    }
    return (
        <div class="stack tight">
            <div class="row">
                <code>{endpoint.secret_hint ?? 'none'}</code>
                {endpoint.secret_scope === 'app' && <span class="muted">the secret of the whole app</span>}
                {zone.canManage && endpoint.secret_scope === 'endpoint' && (
                    <button type="button" class="button small" onClick={() => onRolling(true)}>
                        Rotate Secret
                    </button>
                )}
            </div>
            {isOpen(endpoint) && (
                <div class="row">
                    <span>
                        Both secrets are valid; the old one ends <Time at={endpoint.previous_secret_expires_at} />.
                    </span>
                    {zone.canManage && (
                        <button type="button" class="button small" onClick={() => void revoke()}>
                            End overlap now
                        </button>
                    )}
                </div>
            )}
            <RollDialog
                endpoint={endpoint}
                open={rolling}
                onClose={() => onRolling(false)}
                onRolled={(answer) => {
                    onRolling(false)
                    rolled.value = answer
                }}
            />
            {rolled.value !== undefined && (
                <SecretReveal
                    title="Secret Rotated"
                    id={endpoint.id}
                    secret={rolled.value.secret}
                    onClose={() => void done()}
                />
            )}
        </div>
    )
}
