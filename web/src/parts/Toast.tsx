// SPDX-License-Identifier: Apache-2.0
//
// Toast - short news at the edge of the page, read out politely. What needs an answer is a dialog.
import { signal } from '@preact/signals'

interface News {
    id: number
    text: string
}

const news = signal<News[]>([])
let last = 0
const shownMs = 6000

export function toast(text: string): void {
    last += 1
    const id = last
    news.value = [...news.value.slice(-3), { id, text }]
    setTimeout(() => {
        news.value = news.value.filter((n) => n.id !== id)
    }, shownMs)
}

export function Toasts() {
    return (
        <div class="toasts" role="status" aria-live="polite">
            {news.value.map((n) => (
                <div class="toast" key={n.id}>
                    {n.text}
                </div>
            ))}
        </div>
    )
}
