// SPDX-License-Identifier: Apache-2.0
//
// form.tsx - what the sections of the webhook form share.
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import type { Draft } from '../lib/draft'

export interface SectionProps {
    draft: Draft
    set: (changes: Partial<Draft>) => void
    /** What is wrong with the field at that JSON Pointer. */
    fault: (pointer: string) => string | undefined
}

/** A numbered step; `folded`: optional, closed until it is wanted. */
export function Section({ title, folded, children }: { title: string; folded?: boolean; children: ComponentChildren }) {
    const id = useId()
    if (folded !== undefined) {
        return (
            <details class="card section" open={!folded}>
                <summary>
                    <h2>{title}</h2>
                </summary>
                <div class="stack">{children}</div>
            </details>
        )
    }
    return (
        <section class="card stack section" aria-labelledby={id}>
            <h2 id={id}>{title}</h2>
            {children}
        </section>
    )
}

interface RadioProps<T extends string> {
    label: string
    value: T
    options: [value: T, text: string, help: string][]
    onChange: (value: T) => void
}

export function Radios<T extends string>({ label, value, options, onChange }: RadioProps<T>) {
    const name = useId()
    return (
        <fieldset class="stack tight">
            <legend>{label}</legend>
            {options.map(([v, text, help]) => (
                <label class="choice" key={v}>
                    <input type="radio" name={name} checked={value === v} onChange={() => onChange(v)} />
                    <span>{text}</span>
                    <span class="help">{help}</span>
                </label>
            ))}
        </fieldset>
    )
}
