// SPDX-License-Identifier: Apache-2.0
//
// Confirm - asks before something that cannot be undone or is felt elsewhere.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { Problem } from '../api/client'
import { Dialog } from './Dialog'
import { ProblemBanner } from './States'

interface Props {
    title: string
    action: string
    danger?: boolean
    open: boolean
    onClose: () => void
    onConfirm: () => Promise<void>
    children: ComponentChildren
}

export function Confirm({ title, action, danger = false, open, onClose, onConfirm, children }: Props) {
    const busy = useSignal(false)
    const problem = useSignal<Problem | undefined>(undefined)
    const confirm = async () => {
        busy.value = true
        problem.value = undefined
        try {
            await onConfirm()
            onClose()
        } catch (error) {
            problem.value = error instanceof Problem ? error : new Problem(0, { detail: String(error) })
        } finally {
            busy.value = false
        }
    }
    return (
        <Dialog title={title} open={open} onClose={onClose}>
            <div class="stack tight">{children}</div>
            {problem.value !== undefined && <ProblemBanner problem={problem.value} />}
            <div class="row">
                <button
                    type="button"
                    class={`button ${danger ? 'danger' : 'primary'}`}
                    disabled={busy.value}
                    onClick={() => void confirm()}
                >
                    {action}
                </button>
                <button type="button" class="button" onClick={onClose}>
                    Cancel
                </button>
            </div>
        </Dialog>
    )
}
