// SPDX-License-Identifier: Apache-2.0
//
// theme.ts - light, dark, or as the system says.
import { effect, signal } from '@preact/signals'

export type Theme = 'auto' | 'light' | 'dark'
const storage = 'postern.theme'
const order: Theme[] = ['auto', 'light', 'dark']

function stored(): Theme {
    try {
        const text = localStorage.getItem(storage)
        return order.find((t) => t === text) ?? 'auto'
    } catch {
        return 'auto'
    }
}

export const theme = signal<Theme>(stored())

export function nextTheme(): void {
    theme.value = order[(order.indexOf(theme.value) + 1) % order.length] ?? 'auto'
}

effect(() => {
    if (theme.value === 'auto') {
        delete document.documentElement.dataset['theme']
    } else {
        document.documentElement.dataset['theme'] = theme.value
    }
    try {
        localStorage.setItem(storage, theme.value)
    } catch {
        // The choice lasts until the page is loaded again.
    }
})
