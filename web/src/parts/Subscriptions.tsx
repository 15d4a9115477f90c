// SPDX-License-Identifier: Apache-2.0
//
// Subscriptions - which events a webhook wants: the first ones, and all of them on demand.
const shown = 2

export function Subscriptions({ types }: { types: string[] }) {
    if (types.length === 0) {
        return <>Subscribed to all events</>
    }
    const few = types.slice(0, shown).join(', ')
    const more = types.length > shown
    return (
        <div class="stack tight">
            <div>
                Subscribed to {types.length} {types.length === 1 ? 'event' : 'events'}: {few}
                {more && ', ...'}
            </div>
            {more && (
                <details>
                    <summary>View All</summary>
                    <ul class="mono">
                        {types.map((type) => (
                            <li key={type}>{type}</li>
                        ))}
                    </ul>
                </details>
            )}
        </div>
    )
}
