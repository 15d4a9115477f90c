// SPDX-License-Identifier: Apache-2.0
//
// Confirm - asks before something that cannot be undone or is felt elsewhere.
import type { ComponentChildren } from 'preact'
import { useSubmit } from '../lib/submit'
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
    const submit = useSubmit()
    const confirm = async () => {
        if (await submit.run(onConfirm)) {
            onClose()
        }
    }
    return (
        <Dialog title={title} open={open} onClose={onClose}>
            <div class="stack tight">{children}</div>
            {submit.problem.value !== undefined && <ProblemBanner problem={submit.problem.value} />}
            <div class="row">
                <button
                    type="button"
                    class={`button ${danger ? 'danger' : 'primary'}`}
                    disabled={submit.busy.value}
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
