// SPDX-License-Identifier: Apache-2.0
//
// EventPicker - the events of a webhook: a tree of categories, each box of a category in one of three states,
// with search and quick choices.
import { useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'
import type { EventType } from '../api/types'
import {
    categoriesOf,
    isChosen,
    othersOf,
    previewText,
    stateOf,
    withTypes,
    type Category,
    type Choice,
} from '../lib/eventTree'
import { TagInput } from './TagInput'

interface Props {
    catalogue: EventType[]
    choice: Choice
    onChange: (choice: Choice) => void
    fault?: string | undefined
    samplesHref: string
}

interface BranchProps {
    category: Category
    choice: Choice
    open: boolean
    onSet: (names: string[], on: boolean) => void
}

function Branch({ category, choice, open, onSet }: BranchProps) {
    const folded = useSignal(false)
    const id = useId()
    const state = stateOf(category, choice)
    const chosen = category.types.filter((t) => isChosen(choice, t.name)).length
    const isOpen = open || !folded.value
    return (
        <li class="stack tight">
            <div class="row">
                <label class="row branch">
                    <input
                        type="checkbox"
                        checked={state === 'all'}
                        ref={(box) => {
                            if (box !== null) {
                                box.indeterminate = state === 'some'
                            }
                        }}
                        onChange={() =>
                            onSet(
                                category.types.map((t) => t.name),
                                state !== 'all',
                            )
                        }
                    />
                    {category.title}
                </label>
                <span class="muted number">
                    {chosen} of {category.types.length}
                </span>
                <button
                    type="button"
                    class="button small bare"
                    aria-expanded={isOpen}
                    aria-controls={id}
                    onClick={() => (folded.value = isOpen)}
                >
                    {isOpen ? 'Hide' : 'Show'}
                    <span class="sr-only"> {category.title}</span>
                </button>
            </div>
            <ul id={id} class="leaves" hidden={!isOpen}>
                {category.types.map((type) => (
                    <li key={type.name}>
                        <label class="choice">
                            <input
                                type="checkbox"
                                checked={isChosen(choice, type.name)}
                                onChange={(event) => onSet([type.name], event.currentTarget.checked)}
                            />
                            <span>
                                <code>{type.name}</code>
                                {type.description !== '' && <span class="muted"> {type.description}</span>}
                            </span>
                        </label>
                    </li>
                ))}
            </ul>
        </li>
    )
}

function QuickSelect({ categories, catalogue, onChange }: Pick<Props, 'catalogue' | 'onChange'> & { categories: Category[] }) {
    const email = categories.find((c) => c.title === 'Email Events')
    const pick = (types: string[]) => onChange({ all: false, types })
    return (
        <div class="row">
            <button type="button" class="button small" onClick={() => pick(catalogue.map((t) => t.name))}>
                Select All
            </button>
            {email !== undefined && (
                <button type="button" class="button small" onClick={() => pick(email.types.map((t) => t.name))}>
                    Email Events Only
                </button>
            )}
            <button type="button" class="button small" onClick={() => pick([])}>
                Clear All
            </button>
        </div>
    )
}

function Scope({ choice, onChange }: Pick<Props, 'choice' | 'onChange'>) {
    const name = useId()
    const radio = (all: boolean, text: string, help: string) => (
        <label class="choice">
            <input type="radio" name={name} checked={choice.all === all} onChange={() => onChange({ ...choice, all })} />
            <span>{text}</span>
            <span class="help">{help}</span>
        </label>
    )
    return (
        <div class="stack tight" role="radiogroup" aria-label="Which events">
            {radio(true, 'All events', 'Also those that are added later.')}
            {radio(false, 'Only selected events', 'Nothing else is sent to this webhook.')}
        </div>
    )
}

export function EventPicker({ catalogue, choice, onChange, fault, samplesHref }: Props) {
    const search = useSignal('')
    const wanted = search.value.trim().toLowerCase()
    const categories = categoriesOf(catalogue)
    const found = categories
        .map((c) => ({ ...c, types: c.types.filter((t) => `${t.name} ${t.description}`.toLowerCase().includes(wanted)) }))
        .filter((c) => c.types.length > 0)
    return (
        <div class="stack">
            <Scope choice={choice} onChange={onChange} />
            {catalogue.length > 0 && (
                <>
                    <QuickSelect categories={categories} catalogue={catalogue} onChange={onChange} />
                    <input
                        type="search"
                        aria-label="Search events"
                        placeholder="Search events"
                        value={search.value}
                        onInput={(event) => (search.value = event.currentTarget.value)}
                    />
                    {found.length === 0 && <p class="muted">No event fits “{search.value}”.</p>}
                    <ul class="stack" aria-label="Events by category">
                        {found.map((category) => (
                            <Branch
                                key={category.title}
                                category={category}
                                choice={choice}
                                open={wanted !== ''}
                                onSet={(names, on) => onChange(withTypes(choice, catalogue, names, on))}
                            />
                        ))}
                    </ul>
                </>
            )}
            {!choice.all && (
                <TagInput
                    label="Other types or patterns"
                    placeholder="user.*"
                    help="A pattern stands for all types that begin so."
                    values={othersOf(choice, catalogue)}
                    onChange={(others) =>
                        onChange({
                            all: false,
                            types: [...choice.types.filter((t) => catalogue.some((c) => c.name === t)), ...others],
                        })
                    }
                />
            )}
            <p role="status">
                {previewText(choice)} <a href={samplesHref}>View sample payloads →</a>
            </p>
            {fault !== undefined && (
                <p class="bad" role="alert">
                    {fault}
                </p>
            )}
        </div>
    )
}
