// SPDX-License-Identifier: Apache-2.0
//
// TagInput - several short texts: typed and added by Enter, taken away one by one. What was seen before is
// suggested.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { Field } from './Field'

interface Props {
    label: string
    values: string[]
    onChange: (values: string[]) => void
    suggestions?: string[]
    placeholder?: string
    help?: ComponentChildren
    fault?: string | undefined
}

export function TagInput({ label, values, onChange, suggestions = [], placeholder = '', help, fault }: Props) {
    const text = useSignal('')
    const list = useId()
    const add = () => {
        const given = text.value
            .split(',')
            .map((s) => s.trim())
            .filter((s) => s !== '' && !values.includes(s))
        text.value = ''
        if (given.length > 0) {
            onChange([...values, ...new Set(given)])
        }
    }
    return (
        <div class="stack tight">
            <Field label={label} help={help} fault={fault}>
                {(aria) => (
                    <input
                        {...aria}
                        type="text"
                        list={list}
                        value={text.value}
                        placeholder={placeholder}
                        autocomplete="off"
                        spellcheck={false}
                        onInput={(event) => (text.value = event.currentTarget.value)}
                        onBlur={add}
                        onKeyDown={(event) => {
                            if (event.key === 'Enter') {
                                event.preventDefault()
                                add()
                            }
                        }}
                    />
                )}
            </Field>
            <datalist id={list}>
                {suggestions
                    .filter((s) => !values.includes(s))
                    .map((s) => (
                        <option value={s} key={s} />
                    ))}
            </datalist>
            {values.length > 0 && (
                <ul class="row" aria-label={`${label}, chosen`}>
                    {values.map((value) => (
                        <li key={value}>
                            <button
                                type="button"
                                class="button small"
                                onClick={() => onChange(values.filter((v) => v !== value))}
                            >
                                {value} ✕<span class="sr-only"> remove</span>
                            </button>
                        </li>
                    ))}
                </ul>
            )}
        </div>
    )
}
