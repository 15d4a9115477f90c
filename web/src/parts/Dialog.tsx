// SPDX-License-Identifier: Apache-2.0
//
// Dialog - a modal <dialog>; the browser keeps the focus inside and gives it back.
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

interface Props {
    title: string
    open: boolean
    onClose: () => void
    children: ComponentChildren
}

export function Dialog({ title, open, onClose, children }: Props) {
    const ref = useRef<HTMLDialogElement>(null)
    const heading = useId()

    useEffect(() => {
        const dialog = ref.current
        if (dialog === null) {
            return
        }
        if (open && !dialog.open) {
            dialog.showModal()
        } else if (!open && dialog.open) {
            dialog.close()
        }
    }, [open])

    return (
        <dialog ref={ref} aria-labelledby={heading} onClose={onClose}>
            {open && (
                <div class="stack">
                    <h2 id={heading}>{title}</h2>
                    {children}
                </div>
            )}
        </dialog>
    )
}
