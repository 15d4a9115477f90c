// SPDX-License-Identifier: Apache-2.0
//
// eventTree.ts - the catalogue by category, and what of it is chosen. Pure.
import type { EventType } from '../api/types'

export interface Category {
    title: string
    types: EventType[]
}

/** What a webhook wants: everything, or these types and patterns. */
export interface Choice {
    all: boolean
    types: string[]
}

/** "Email Events", in the order in which the catalogue names them first; without a group the first word. */
export function categoriesOf(catalogue: EventType[]): Category[] {
    const found = new Map<string, EventType[]>()
    for (const type of catalogue) {
        const title = type.group !== '' ? type.group : (type.name.split('.')[0] ?? type.name)
        const types = found.get(title)
        if (types === undefined) {
            found.set(title, [type])
        } else {
            types.push(type)
        }
    }
    return [...found].map(([title, types]) => ({ title, types }))
}

export function isChosen(choice: Choice, name: string): boolean {
    return (
        choice.all ||
        choice.types.some((t) => t === name || (t.endsWith('.*') && name.startsWith(t.slice(0, -1))))
    )
}

export function stateOf(category: Category, choice: Choice): 'all' | 'some' | 'none' {
    const chosen = category.types.filter((t) => isChosen(choice, t.name)).length
    return chosen === 0 ? 'none' : chosen === category.types.length ? 'all' : 'some'
}

/** The names `names` in or out. From "all" the rest of the catalogue stays chosen by name. */
export function withTypes(choice: Choice, catalogue: EventType[], names: string[], on: boolean): Choice {
    const before = choice.all ? catalogue.map((t) => t.name) : choice.types
    const patterns = before.filter((t) => t.endsWith('.*'))
    const taken = names.filter((name) => patterns.some((p) => name.startsWith(p.slice(0, -1))))
    // A pattern that covers what is taken out is written out: what else it covered stays.
    const spelled =
        on || taken.length === 0
            ? before
            : before.flatMap((t) =>
                  t.endsWith('.*') && names.some((name) => name.startsWith(t.slice(0, -1)))
                      ? catalogue.map((c) => c.name).filter((name) => name.startsWith(t.slice(0, -1)))
                      : [t],
              )
    const rest = spelled.filter((t) => !names.includes(t))
    return { all: false, types: [...new Set(on ? [...rest, ...names] : rest)] }
}

/** What is chosen and is no type of the catalogue: patterns, and types that are gone. */
export function othersOf(choice: Choice, catalogue: EventType[]): string[] {
    return choice.types.filter((t) => !catalogue.some((c) => c.name === t))
}

/** "You've selected 5 events." */
export function previewText(choice: Choice): string {
    const n = choice.types.length
    return choice.all
        ? "You've selected all events, also those that are added later."
        : n === 0
          ? "You've selected no events yet."
          : `You've selected ${n} ${n === 1 ? 'event' : 'events'}.`
}
