// SPDX-License-Identifier: Apache-2.0
//
// CodeExamples - code that verifies the signatures of this webhook, to copy.
import { useSignal } from '@preact/signals'
import { serverFacts } from '../api/server'
import type { Endpoint } from '../api/types'
import { languages, verificationCode, type Language, type Profile } from '../lib/samples'
import { useQuery } from '../state/query'
import { Copy } from './Copy'
import { SelectField } from './Field'

const words: Record<Profile, string> = {
    standard: 'Standard Webhooks (webhook-signature)',
    timestamped: 'Timestamped (t=, v1=)',
    platform: 'Platform (sha256=)',
}

export function CodeExamples({ endpoint }: { endpoint: Endpoint }) {
    const facts = useQuery('', (signal) => serverFacts(signal)).state.value.data
    const language = useSignal<Language>('Node.js')
    const chosen = useSignal('')
    const profiles = endpoint.signature_profiles
    const profile = profiles.find((p) => p === chosen.value) ?? profiles[0] ?? 'standard'
    const code = verificationCode(language.value, profile, facts?.header_prefix ?? '', endpoint.url)
    return (
        <section class="stack" aria-labelledby="code">
            <h2 id="code">Signature Verification Code</h2>
            <p class="muted">
                It reads the secret from <code>WEBHOOK_SECRET</code> and works on the raw bytes.{' '}
                <a href="/docs/receivers">More languages and common mistakes</a>
            </p>
            {profiles.length > 1 && (
                <SelectField
                    label="Signature"
                    value={profile}
                    options={profiles.map((p) => [p, words[p]])}
                    onChange={(p) => (chosen.value = p)}
                />
            )}
            <div class="row" role="group" aria-label="Language">
                {languages.map((l) => (
                    <button
                        type="button"
                        class="button small"
                        aria-pressed={language.value === l}
                        key={l}
                        onClick={() => (language.value = l)}
                    >
                        {l}
                    </button>
                ))}
                <Copy text={code} what="code" label />
            </div>
            {facts !== undefined && (
                <pre class="code" tabIndex={0} aria-label={`Verification in ${language.value}`}>
                    {code}
                </pre>
            )}
        </section>
    )
}
