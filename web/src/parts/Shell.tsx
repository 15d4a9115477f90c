// SPDX-License-Identifier: Apache-2.0
//
// Shell - the frame around every page: name, navigation, the page itself.
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { signOut } from '../state/session'
import { theme, nextTheme } from '../state/theme'
import { useZone } from '../state/zone'
import { Toasts } from './Toast'

export interface NavGroup {
    title: string
    links: [path: string, text: string][]
}

/** The longest link that the place begins with is the current one. */
function currentOf(groups: NavGroup[], path: string): string {
    return groups
        .flatMap((g) => g.links.map(([to]) => to))
        .filter((to) => path === to || path.startsWith(`${to}/`))
        .reduce((best, to) => (to.length > best.length ? to : best), '')
}

function Nav({ groups }: { groups: NavGroup[] }) {
    const { path } = useLocation()
    const current = currentOf(groups, path)
    return (
        <nav aria-label="Main">
            {groups.map((group) => (
                <div key={group.title}>
                    {group.title !== '' && <h2>{group.title}</h2>}
                    <ul>
                        {group.links.map(([to, text]) => (
                            <li key={to}>
                                <a href={to} {...(to === current ? { 'aria-current': 'page' as const } : {})}>
                                    {text}
                                </a>
                            </li>
                        ))}
                    </ul>
                </div>
            ))}
        </nav>
    )
}

export function Shell({ groups, children }: { groups: NavGroup[]; children: ComponentChildren }) {
    const zone = useZone()
    return (
        <div class="shell">
            <a class="skip" href="#main">
                Skip to the content
            </a>
            <header class="shell-side">
                <a class="shell-name" href={zone.endpoints}>
                    <img src="/favicon.svg" width="20" height="20" alt="" /> Postern
                </a>
                <Nav groups={groups} />
                <div class="row" style={{ marginTop: 'var(--s4)' }}>
                    <button type="button" class="button small bare" onClick={nextTheme}>
                        Theme: {theme.value}
                    </button>
                    <a class="button small bare" href="/docs">
                        Docs
                    </a>
                    {zone.name !== 'portal' && (
                        <button type="button" class="button small bare" onClick={signOut}>
                            Sign out
                        </button>
                    )}
                </div>
            </header>
            <main class="shell-main" id="main" tabIndex={-1}>
                {children}
            </main>
            <Toasts />
        </div>
    )
}

interface PageProps {
    title: string
    /** Before the title in the browser's tab: "(2 failing)". */
    mark?: string
    actions?: ComponentChildren
    lead?: ComponentChildren
    children: ComponentChildren
}

export function PageBody({ title, mark, actions, lead, children }: PageProps) {
    useEffect(() => {
        document.title = `${mark === undefined ? '' : `${mark} `}${title} · Postern`
    }, [title, mark])
    return (
        <>
            <div class="page-head">
                <div class="row spread">
                    <h1>{title}</h1>
                    {actions !== undefined && <div class="row">{actions}</div>}
                </div>
                {lead}
            </div>
            {children}
        </>
    )
}
