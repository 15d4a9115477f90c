// SPDX-License-Identifier: Apache-2.0
//
// RetrySection - secret, retries with the plan as it will be, timeout, and the addresses to let in.
import { sourceIps, type ServerFacts } from '../api/server'
import { planText } from '../lib/retryPlan'
import { useQuery } from '../state/query'
import { Copyable, Copy } from './Copy'
import { Field, SelectField, TextField } from './Field'
import type { SectionProps } from './form'

const presetWords: Record<string, string> = {
    default: 'Patient',
    platform: 'Short',
    'standard-webhooks': 'Standard Webhooks',
    none: 'None',
    custom: 'As it is set',
}

interface NumberProps {
    label: string
    value: number
    min: number
    max: number
    help: string
    fault: string | undefined
    onChange: (value: number) => void
}

function NumberField({ label, value, min, max, help, fault, onChange }: NumberProps) {
    return (
        <Field label={label} help={help} fault={fault}>
            {(aria) => (
                <input
                    {...aria}
                    type="number"
                    min={min}
                    max={max}
                    required
                    value={value}
                    onInput={(event) => {
                        if (!Number.isNaN(event.currentTarget.valueAsNumber)) {
                            onChange(event.currentTarget.valueAsNumber)
                        }
                    }}
                />
            )}
        </Field>
    )
}

function Retries({ draft, set, fault, facts }: SectionProps & { facts: ServerFacts | undefined }) {
    const presets = (facts?.retry_presets ?? []).filter((p) => p.name !== 'none')
    const preset = presets.find((p) => p.name === draft.preset)
    const delays = draft.preset === 'custom' ? draft.delays : (preset?.delays_s ?? [])
    const options = presets.map((p): [string, string] => [p.name, `${presetWords[p.name] ?? p.name} (${p.name})`])
    return (
        <>
            <SelectField
                label="Schedule"
                value={draft.preset}
                options={draft.preset === 'custom' ? [...options, ['custom', presetWords['custom'] ?? '']] : options}
                onChange={(name) =>
                    set({ preset: name, attempts: presets.find((p) => p.name === name)?.max_attempts ?? draft.attempts })
                }
            />
            <NumberField
                label="Max Retry Attempts"
                min={1}
                max={Math.max(10, draft.attempts, preset?.max_attempts ?? 0)}
                value={draft.attempts}
                onChange={(attempts) => set({ attempts })}
                fault={fault('/retry/max_attempts') ?? fault('/retry')}
                help="Sends in all, the first included."
            />
            {facts !== undefined && (
                <p class="number">
                    <strong>Retry Delays</strong> {planText(delays, draft.attempts)}
                </p>
            )}
        </>
    )
}

function SourceIps() {
    const query = useQuery('', (signal) => sourceIps(signal))
    const ips = query.state.value.data
    return (
        <div class="stack tight">
            <h3>Webhook Source IPs</h3>
            {ips === undefined || ips.length === 0 ? (
                <p class="muted">The operator of this server names no addresses.</p>
            ) : (
                <>
                    <ul>
                        {ips.map((ip) => (
                            <li key={ip}>
                                <Copyable text={ip} what={`address ${ip}`} />
                            </li>
                        ))}
                    </ul>
                    <div>
                        <Copy text={ips.join('\n')} what="IP list" label />
                    </div>
                </>
            )}
        </div>
    )
}

interface Props extends SectionProps {
    facts: ServerFacts | undefined
    /** Not asked for when the webhook exists: its secret is rolled. */
    asksSecret: boolean
}

export function RetrySection(props: Props) {
    const { draft, set, fault, asksSecret } = props
    return (
        <>
            {asksSecret && (
                <div class="stack tight">
                    <h3>Signature Verification</h3>
                    <p>
                        <code>whsec_...</code> <span class="muted">(made by the server and shown after creation)</span>
                    </p>
                    <p class="muted">Use this secret to verify webhook signatures.</p>
                    <details>
                        <summary>Use a secret of your own</summary>
                        <TextField
                            label="Secret (optional)"
                            value={draft.secret}
                            onInput={(secret) => set({ secret })}
                            fault={fault('/secret')}
                            help="whsec_ and base64 of 24 to 64 bytes, or 16 to 256 printable characters."
                        />
                    </details>
                </div>
            )}
            <h3>Retry Configuration</h3>
            <label class="choice">
                <input
                    type="checkbox"
                    role="switch"
                    checked={draft.retries}
                    onChange={(event) => set({ retries: event.currentTarget.checked })}
                />
                Enable Retries
            </label>
            {draft.retries && <Retries {...props} />}
            <NumberField
                label="Response Timeout (seconds)"
                min={1}
                max={30}
                value={draft.timeoutS}
                onChange={(timeoutS) => set({ timeoutS })}
                fault={fault('/timeout_ms')}
                help="Webhook must respond within this time."
            />
            <SourceIps />
        </>
    )
}
