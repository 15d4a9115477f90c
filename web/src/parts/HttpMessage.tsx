// SPDX-License-Identifier: Apache-2.0
//
// HttpMessage - a request or an answer as it was: first line, headers, body. What receivers answer is
// hostile input; it is shown as text only.
import { useSignal } from '@preact/signals'
import type { HeaderLines } from '../api/types'
import { hexDump, prettyJson } from '../lib/bytes'
import { Copy } from './Copy'

type View = 'Pretty' | 'Raw' | 'Hex'

function shown(body: string, view: View): string {
    if (view === 'Hex') {
        return hexDump(body)
    }
    return view === 'Pretty' ? (prettyJson(body) ?? body) : body
}

function Body({ body, what }: { body: string; what: string }) {
    const view = useSignal<View>('Pretty')
    return (
        <div class="stack tight">
            <div class="row" role="group" aria-label={`${what} body as`}>
                {(['Pretty', 'Raw', 'Hex'] as const).map((v) => (
                    <button
                        type="button"
                        class="button small"
                        aria-pressed={view.value === v}
                        key={v}
                        onClick={() => {
                            view.value = v
                        }}
                    >
                        {v}
                    </button>
                ))}
                <Copy text={body} what={`${what.toLowerCase()} body`} label />
            </div>
            <pre class="code" tabIndex={0}>
                {shown(body, view.value)}
            </pre>
        </div>
    )
}

interface Props {
    title: string
    line: string
    headers: HeaderLines
    body: string | null
    note?: string
}

export function HttpMessage({ title, line, headers, body, note }: Props) {
    const text = [line, ...headers.map((h) => `${h.name}: ${h.value}`), '', body ?? ''].join('\n')
    return (
        <section class="stack tight" aria-label={title}>
            <div class="row spread">
                <h3>{title}</h3>
                <Copy text={text} what={title.toLowerCase()} label />
            </div>
            <pre class="code" tabIndex={0}>
                {[line, ...headers.map((h) => `${h.name}: ${h.value}`)].join('\n')}
            </pre>
            {body === null || body === '' ? <p class="muted">No body.</p> : <Body body={body} what={title} />}
            {note !== undefined && <p class="muted">{note}</p>}
        </section>
    )
}
