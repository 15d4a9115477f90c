// SPDX-License-Identifier: Apache-2.0
//
// Field - a labelled input with its help and the fault that the server found in it.
import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'

interface FieldProps {
    label: string
    help?: ComponentChildren
    fault?: string | undefined
    children: (aria: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: 'true' }) => JSX.Element
}

export function Field({ label, help, fault, children }: FieldProps) {
    const id = useId()
    const described = [help === undefined ? '' : `${id}-help`, fault === undefined ? '' : `${id}-fault`]
        .filter((s) => s !== '')
        .join(' ')
    return (
        <div class="field">
            <label for={id}>{label}</label>
            {children({
                id,
                ...(described === '' ? {} : { 'aria-describedby': described }),
                ...(fault === undefined ? {} : { 'aria-invalid': 'true' as const }),
            })}
            {help !== undefined && (
                <div class="help" id={`${id}-help`}>
                    {help}
                </div>
            )}
            {fault !== undefined && (
                <div class="fault" id={`${id}-fault`} role="alert">
                    {fault}
                </div>
            )}
        </div>
    )
}

interface TextProps {
    label: string
    value: string
    onInput: (value: string) => void
    help?: ComponentChildren
    fault?: string | undefined
    type?: string
    required?: boolean
    placeholder?: string
    autocomplete?: string
    rows?: number
}

/** One line, or an area of `rows` lines. */
export function TextField(props: TextProps) {
    const { label, value, onInput, help, fault, rows } = props
    return (
        <Field label={label} help={help} fault={fault}>
            {(aria) =>
                rows === undefined ? (
                    <input
                        {...aria}
                        type={props.type ?? 'text'}
                        value={value}
                        required={props.required ?? false}
                        placeholder={props.placeholder ?? ''}
                        autocomplete={props.autocomplete ?? 'off'}
                        spellcheck={false}
                        onInput={(event) => onInput(event.currentTarget.value)}
                    />
                ) : (
                    <textarea
                        {...aria}
                        rows={rows}
                        value={value}
                        spellcheck={false}
                        onInput={(event) => onInput(event.currentTarget.value)}
                    />
                )
            }
        </Field>
    )
}

interface SelectProps {
    label: string
    value: string
    options: [value: string, text: string][]
    onChange: (value: string) => void
    help?: ComponentChildren
}

export function SelectField({ label, value, options, onChange, help }: SelectProps) {
    return (
        <Field label={label} help={help}>
            {(aria) => (
                <select {...aria} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
                    {options.map(([v, text]) => (
                        <option value={v} key={v}>
                            {text}
                        </option>
                    ))}
                </select>
            )}
        </Field>
    )
}
