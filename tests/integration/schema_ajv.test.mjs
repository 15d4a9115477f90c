// SPDX-License-Identifier: Apache-2.0
//
// Our JSON Schema against another one, ajv: the same answer and the same places for each schema and value, through the
// check of an example when an event type is saved. Both drafts; values that fit and values that nearly do.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import { unique, useServer } from './support.mjs';

const DRAFT_07 = 'http://json-schema.org/draft-07/schema#';
const MIXED = [
    null, true, false, 0, 1, -1, 1.5, 1e2, 0.1, 12345678901, '', 'a', 'ab', 'abc', 'äöü', '😀', '2026-01-01', [], [1],
    [1, 'a'], [1, 1], [1, 2, 3], [[]], [{}], [{ a: 1 }, { a: 1 }], {}, { a: 1 }, { a: 'x', b: 2 }, { b: [1, 2], c: { a: null } },
    { a: { a: { a: 1 } } }, { foo: 1, bar: 2 }, { 'x-1': 1, y: 'z' }, { list: [{ id: 1 }, { id: '2' }] },
];
const SCHEMAS = [
    { type: 'object', properties: { a: { type: 'integer', minimum: 1 } }, required: ['a'] },
    { type: ['string', 'array', 'null'], minLength: 1, maxLength: 2, minItems: 1, maxItems: 2 },
    { type: 'number', multipleOf: 0.5, exclusiveMinimum: -1, maximum: 100 },
    { enum: [1, 'a', null, [1], { a: 1 }] },
    { const: { a: 1 } },
    { anyOf: [{ type: 'string', pattern: '^a' }, { type: 'array', contains: { const: 1 } }] },
    { oneOf: [{ type: 'integer' }, { type: 'number', minimum: 1 }, { type: 'object', minProperties: 2 }] },
    { not: { type: ['object', 'number'] } },
    { allOf: [{ if: { type: 'object' }, then: { required: ['a'] }, else: { not: { type: 'boolean' } } }] },
    { uniqueItems: true, items: { not: { type: 'string' } } },
    { patternProperties: { '^x-': { type: 'string' }, '[bc]$': { type: ['array', 'object'] } }, additionalProperties: { type: 'number' } },
    { propertyNames: { maxLength: 1 }, maxProperties: 1 },
    { additionalProperties: false, properties: { a: true, list: { items: { properties: { id: { type: 'integer' } } } } } },
    { pattern: '^\\p{L}+$' },
    { pattern: '^.{1,2}$' },
    { type: 'object', properties: { a: { $ref: '#' } }, additionalProperties: { type: ['number', 'array'] } },
];
const ONLY_2020 = [
    { prefixItems: [{ type: 'integer' }], items: { type: 'string' } },
    { dependentRequired: { a: ['b'], foo: ['bar', 'baz'] } },
    { dependentSchemas: { a: { properties: { a: { type: 'string' } } } } },
    { contains: { type: 'integer' }, minContains: 2, maxContains: 2 },
    { allOf: [{ properties: { a: true } }], properties: { b: true }, unevaluatedProperties: false },
    { anyOf: [{ properties: { a: { type: 'integer' } }, required: ['a'] }, { properties: { b: true } }], unevaluatedProperties: { type: 'object' } },
    { prefixItems: [true], contains: { type: 'string' }, unevaluatedItems: false },
    { $defs: { n: { $anchor: 'n', type: ['null', 'integer'] } }, items: { $ref: '#n' }, additionalProperties: { $ref: '#/$defs/n' } },
    { $id: 'https://example.com/tree', $dynamicAnchor: 'node', type: ['object', 'number'], additionalProperties: { $dynamicRef: '#node' } },
];
const ONLY_07 = [
    { items: [{ type: 'integer' }, { type: 'string' }], additionalItems: false },
    { dependencies: { a: ['b'], foo: { properties: { bar: { type: 'string' } } } } },
    { definitions: { n: { $id: '#n', type: ['null', 'integer'] } }, items: { $ref: '#n' } },
    { contains: { type: 'string' } },
];

/** Places that a validator names, without those that only one of the two tells: of branches, and one for each name. */
function places(errors) {
    return [...new Set(errors)].sort();
}

describe('JSON Schema', () => {
    const box = useServer();

    /** ajv tells what is wrong in each branch of anyOf and the like; we tell the keyword alone. */
    function theirs(validate) {
        const inBranch = /\/(anyOf|oneOf|not|if|contains|propertyNames)(\/|$)/;
        const told = validate.errors.filter(({ schemaPath, keyword }) => {
            const above = schemaPath.slice(0, schemaPath.length - keyword.length - 1);
            // Of items too many ajv names the array, we name the item.
            return !inBranch.test(above) && !['if', 'additionalItems'].includes(keyword);
        });
        return places(told.map(({ instancePath, keyword, params }) => {
            const extra = params.additionalProperty ?? params.unevaluatedProperty;
            const place = extra === undefined ? instancePath : `${instancePath}/${extra.replaceAll('~', '~0').replaceAll('/', '~1')}`;
            return place;
        }));
    }

    async function compare(ajv, schema, value) {
        const validate = ajv.compile(schema);
        const valid = validate(value);
        const answer = await box.api.request('POST', '/api/v1/event-types', {
            body: { name: `ajv.${unique('case').replaceAll('-', '_')}`, schema, example: value },
        });
        const where = `${JSON.stringify(schema)} on ${JSON.stringify(value)}`;
        if (valid) {
            assert.equal(answer.status, 201, `${where}: ${answer.text}`);
            return 1;
        }
        assert.equal(answer.status, 422, `${where}: ajv: ${JSON.stringify(validate.errors)}`);
        const ours = places(answer.json.errors.map(({ pointer }) => pointer.replace(/^\/example/, '')));
        const left = theirs(validate).filter((place) => !ours.includes(place) && !JSON.stringify(schema).includes('unevaluated'));
        assert.deepEqual(left, [], `${where}: ours ${ours}`);
        return 0;
    }

    for (const [draft, schemas, Validator, more] of [
        ['2020-12', [...SCHEMAS, ...ONLY_2020], Ajv2020, {}],
        ['draft-07', [...SCHEMAS, ...ONLY_07], Ajv, { $schema: DRAFT_07 }],
    ]) {
        it(`of ${draft} answers as ajv does`, async () => {
            const counts = [0, 0];
            for (const schema of schemas) {
                const whole = { ...more, ...schema };
                for (const value of MIXED) {
                    // null as an example means that there is none.
                    if (value !== null) {
                        counts[await compare(new Validator({ allErrors: true, strict: false, unicodeRegExp: true }), whole, value)]++;
                    }
                }
            }
            assert.ok(counts[0] > 200 && counts[1] > 200, `${counts[1]} fit, ${counts[0]} do not`);
        });
    }
});
