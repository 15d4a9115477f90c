// SPDX-License-Identifier: Apache-2.0
//
// UrlField - the endpoint's URL, held against the server's own rules while it is typed: each rule with a tick or
// the reason against it. What the server cannot say now does not hold the form back.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { checkUrl, type UrlCheck } from '../api/server'
import { TextField } from './Field'

const waitMs = 400

interface Props {
    value: string
    onInput: (value: string) => void
    fault?: string | undefined
}

function Rule({ ok, children }: { ok: boolean; children: string }) {
    return (
        <li class={ok ? 'good' : 'bad'}>
            {ok ? '✓ ' : '✗ '}
            {children}
        </li>
    )
}

function Verdict({ check }: { check: UrlCheck }) {
    const { refusal } = check
    return (
        <ul aria-label="Checks of the URL">
            <Rule ok={check.canonical !== null}>
                {check.canonical === null
                    ? 'Endpoint must be a valid HTTPS URL.'
                    : `${check.scheme ?? ''} to ${check.host ?? ''}, port ${String(check.port ?? '')}`}
            </Rule>
            {check.addresses.map(({ ip, allowed }) => (
                <Rule ok={allowed} key={ip}>
                    {allowed ? `${check.host ?? ''} is ${ip}` : `${check.host ?? ''} is ${ip}, where nothing is sent to`}
                </Rule>
            ))}
            {refusal !== null && (
                <Rule ok={false}>{`${refusal.detail}${refusal.advice === null ? '' : ` ${refusal.advice}`}`}</Rule>
            )}
        </ul>
    )
}

export function UrlField({ value, onInput, fault }: Props) {
    const check = useSignal<UrlCheck | undefined>(undefined)
    const url = value.trim()
    useEffect(() => {
        let late = false
        check.value = undefined
        if (url === '') {
            return undefined
        }
        const timer = setTimeout(() => {
            checkUrl(url).then(
                (answer) => {
                    if (!late) {
                        check.value = answer
                    }
                },
                () => {
                    // Too many checks, or no answer: the server looks again when the form is sent.
                },
            )
        }, waitMs)
        return () => {
            late = true
            clearTimeout(timer)
        }
    }, [url])
    return (
        <div class="stack tight">
            <TextField
                label="Endpoint URL"
                type="url"
                required
                placeholder="https://yourapp.com/webhooks"
                value={value}
                onInput={onInput}
                fault={fault}
                help="Your server endpoint that will receive webhook events."
            />
            <div role="status">{check.value !== undefined && <Verdict check={check.value} />}</div>
        </div>
    )
}
