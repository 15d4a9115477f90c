// SPDX-License-Identifier: Apache-2.0
//
// schemaSketch.ts - a JSON Schema as an example of its own shape: {"email_id": "string", "opened_at": "string
// (date-time)"}. Pure. What it cannot say in short is left to the whole schema.

type Schema = Record<string, unknown>

const depthMax = 8

function isSchema(value: unknown): value is Schema {
    return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function resolve(root: Schema, ref: string): unknown {
    return ref
        .replace(/^#\/?/, '')
        .split('/')
        .filter((part) => part !== '')
        .reduce<unknown>((at, part) => (isSchema(at) ? at[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined), root)
}

function sketch(root: Schema, schema: unknown, depth: number): unknown {
    if (!isSchema(schema) || depth > depthMax) {
        return 'any'
    }
    if (typeof schema['$ref'] === 'string') {
        return sketch(root, resolve(root, schema['$ref']), depth + 1)
    }
    if (isSchema(schema['properties'])) {
        return Object.fromEntries(
            Object.entries(schema['properties']).map(([name, of]) => [name, sketch(root, of, depth + 1)]),
        )
    }
    if (schema['items'] !== undefined) {
        return [sketch(root, schema['items'], depth + 1)]
    }
    if (Array.isArray(schema['enum'])) {
        return schema['enum'].map(String).join(' | ')
    }
    const type = Array.isArray(schema['type']) ? schema['type'].join(' or ') : String(schema['type'] ?? 'any')
    return typeof schema['format'] === 'string' ? `${type} (${schema['format']})` : type
}

export function schemaSketch(schema: unknown): unknown {
    return isSchema(schema) ? sketch(schema, schema, 0) : 'any'
}
