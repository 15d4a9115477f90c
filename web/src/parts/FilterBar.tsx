// SPDX-License-Identifier: Apache-2.0
//
// FilterBar - the filters of a list, all of them in the address; each that is set is a chip that goes away
// with one click.
import type { ComponentChildren } from 'preact'
import { useAddress } from '../lib/address'

export interface Filter {
    name: string
    label: string
    /** What may be chosen; absent: free text. */
    options?: [value: string, text: string][]
    placeholder?: string
}

function Control({ filter }: { filter: Filter }) {
    const address = useAddress()
    const value = address.get(filter.name)
    const id = `filter-${filter.name}`
    return (
        <div class="field filter">
            <label for={id}>{filter.label}</label>
            {filter.options === undefined ? (
                <input
                    id={id}
                    type="search"
                    value={value}
                    placeholder={filter.placeholder ?? ''}
                    spellcheck={false}
                    onChange={(event) => address.set({ [filter.name]: event.currentTarget.value.trim() })}
                />
            ) : (
                <select
                    id={id}
                    value={value}
                    onChange={(event) => address.set({ [filter.name]: event.currentTarget.value })}
                >
                    <option value="">All</option>
                    {filter.options.map(([v, text]) => (
                        <option value={v} key={v}>
                            {text}
                        </option>
                    ))}
                </select>
            )}
        </div>
    )
}

export function FilterBar({ filters, children }: { filters: Filter[]; children?: ComponentChildren }) {
    const address = useAddress()
    const active = filters.filter((f) => address.get(f.name) !== '')
    const textOf = (f: Filter) =>
        f.options?.find(([v]) => v === address.get(f.name))?.[1] ?? address.get(f.name)
    return (
        <div class="stack tight">
            <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
                {filters.map((filter) => (
                    <Control filter={filter} key={filter.name} />
                ))}
                {children}
            </form>
            {active.length > 0 && (
                <div class="row" aria-label="Active filters" role="group">
                    {active.map((f) => (
                        <button
                            type="button"
                            class="button small"
                            key={f.name}
                            onClick={() => address.set({ [f.name]: '' })}
                        >
                            {f.label}: {textOf(f)} ✕<span class="sr-only"> remove</span>
                        </button>
                    ))}
                    <button
                        type="button"
                        class="button small bare"
                        onClick={() => address.set(Object.fromEntries(active.map((f) => [f.name, ''])))}
                    >
                        Clear
                    </button>
                </div>
            )}
        </div>
    )
}

export const windows: [string, number][] = [
    ['1h', 3_600_000],
    ['24h', 86_400_000],
    ['7d', 7 * 86_400_000],
    ['30d', 30 * 86_400_000],
]

/** The moment where a window of the filter begins, whole minutes, so that equal questions are equal. */
export function sinceOf(window: string): string {
    const size = windows.find(([name]) => name === window)?.[1]
    return size === undefined ? '' : new Date(Math.floor((Date.now() - size) / 60_000) * 60_000).toISOString()
}
