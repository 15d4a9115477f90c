// SPDX-License-Identifier: Apache-2.0
//
// docs.ts - a copy button on each code block of the docs. The pages read well without it.
for (const block of document.querySelectorAll<HTMLPreElement>('main pre')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'button small copy'
    button.textContent = 'Copy'
    button.addEventListener('click', () => {
        void navigator.clipboard.writeText(block.textContent ?? '').then(() => {
            button.textContent = 'Copied'
        })
    })
    block.after(button)
}
