// SPDX-License-Identifier: Apache-2.0
//
// api/openapi.yaml against what the server really does, in both directions: each answer that a test sees must be
// one that the contract describes (operation, status, media type, schema), each request that the server takes must
// be one that the contract allows, and each operation must be seen to succeed somewhere in the suites.
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const CONTRACT = path.join(ROOT, 'api/openapi.yaml');
const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'];
// What any path may answer before a route is looked up; the server never got as far as an operation.
const BEFORE_ROUTES = new Set([400, 401, 403, 404, 405, 408, 413, 414, 431, 501, 503]);

function pointer(...parts) {
    return '#/' + parts.map((part) => encodeURIComponent(part.replace(/~/g, '~0').replace(/\//g, '~1'))).join('/');
}

export class Contract {
    constructor(document) {
        this.document = document;
        this.ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false, validateFormats: true });
        addFormats(this.ajv);
        this.ajv.addSchema(document, 'contract');
        this.validators = new Map();
        this.operations = [];
        for (const [template, item] of Object.entries(document.paths ?? {})) {
            for (const method of METHODS.filter((name) => item[name])) {
                this.operations.push({
                    method: method.toUpperCase(),
                    template,
                    name: `${method.toUpperCase()} ${template}`,
                    pattern: new RegExp(`^${template.replace(/[.+*?^$()|[\]\\]/g, '\\$&').replace(/\{[^}]+\}/g, '[^/]+')}$`),
                    literal: (template.match(/\{/g) ?? []).length,
                    at: ['paths', template, method],
                });
            }
        }
        // /x/batch before /x/{id}
        this.operations.sort((a, b) => a.literal - b.literal);
    }

    static read(file = CONTRACT) {
        return new Contract(parse(readFileSync(file, 'utf8'), { maxAliasCount: 1000 }));
    }

    // HEAD is the GET of its path, without a body.
    find(method, target) {
        const plain = target.split('?')[0];
        const wanted = method === 'HEAD' ? 'GET' : method;
        return this.operations.find((operation) => operation.method === wanted && operation.pattern.test(plain));
    }

    // Follows $ref: {value, at}.
    #look(at) {
        let value = at.reduce((node, part) => node?.[part], this.document);
        while (value?.$ref) {
            at = value.$ref.slice(2).split('/').map((part) => decodeURIComponent(part).replace(/~1/g, '/').replace(/~0/g, '~'));
            value = at.reduce((node, part) => node?.[part], this.document);
        }
        return { value, at };
    }

    #schemaErrors(at, value) {
        const ref = `contract${pointer(...at)}`;
        if (!this.validators.has(ref)) {
            this.validators.set(ref, this.ajv.compile({ $ref: ref }));
        }
        const validate = this.validators.get(ref);
        return validate(value) ? [] : validate.errors.slice(0, 5).map((e) => `${e.instancePath || '/'} ${e.message} ${JSON.stringify(e.params)}`);
    }

    #body(at, contentType, json, what) {
        const { value: content } = this.#look([...at, 'content']);
        const media = (contentType ?? '').split(';')[0].trim().toLowerCase();
        if (!content) {
            return media === '' ? [] : [`${what} has a body (${media}) that the contract does not know`];
        }
        if (!(media in content)) {
            return [`${what} is ${media || 'without a media type'}, the contract says ${Object.keys(content).join(', ')}`];
        }
        const schema = [...at, 'content', media, 'schema'];
        if (!/json$/.test(media) || this.#look(schema).value === undefined) {
            return [];
        }
        return this.#schemaErrors(schema, json).map((error) => `${what}: ${error}`);
    }

    // What is wrong with one exchange of lib/client.mjs: a list of sentences, empty when nothing is.
    check(answer) {
        const operation = this.find(answer.method, answer.path);
        const where = `${answer.method} ${answer.path.split('?')[0]} -> ${answer.status}`;
        if (answer.method === 'OPTIONS' && answer.status === 204) {
            return answer.headers.allow ? [] : [`${where}: no Allow`];
        }
        if (!operation) {
            return BEFORE_ROUTES.has(answer.status) ? [] : [`${where}: the contract has no such operation`];
        }
        const { value: responses } = this.#look([...operation.at, 'responses']);
        const range = `${String(answer.status)[0]}XX`;
        const key = [String(answer.status), range, 'default'].find((name) => responses?.[name]);
        if (!key) {
            return [`${where}: the contract has no such answer for ${operation.name}`];
        }
        const response = this.#look([...operation.at, 'responses', key]);
        const wrong = answer.method === 'HEAD' ? [] :
            this.#body(response.at, answer.text === '' ? undefined : answer.headers['content-type'], answer.json, 'the answer');
        for (const name of Object.keys(response.value.headers ?? {})) {
            const header = this.#look([...response.at, 'headers', name]).value;
            if (header.required && !(name.toLowerCase() in answer.headers)) {
                wrong.push(`the answer lacks the header ${name}`);
            }
        }
        if (answer.status >= 200 && answer.status < 300) {
            wrong.push(...this.#request(operation, answer));
        }
        return wrong.map((sentence) => `${where}: ${sentence}`);
    }

    // A request that the server took must be one that the contract allows.
    #request(operation, answer) {
        const { value: body, at } = this.#look([...operation.at, 'requestBody']);
        const bytes = answer.request?.bytes;
        if (bytes === undefined || bytes.length === 0) {
            return body?.required ? ['the server took a request without its required body'] : [];
        }
        if (!body) {
            return ['the server took a body that the contract does not know'];
        }
        const media = (answer.request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
        if (body.content?.[media] && media !== 'application/json') {
            return [];
        }
        let json;
        try {
            json = JSON.parse(bytes.toString('utf8'));
        } catch {
            return ['the server took a body that is not JSON'];
        }
        return this.#body(at, answer.request.headers['content-type'], json, 'the request that was taken');
    }
}

// --- Collecting over many test processes: one line an operation that was seen to succeed.
const folder = process.env.TEST_CONTRACT_DIR;
let contract;
const violations = new Set();
const seen = new Set();

export function contractExists() {
    return existsSync(CONTRACT);
}

// For lib/client.mjs: onAnswer.
export function observe(answer) {
    if (!contractExists()) {
        violations.add('api/openapi.yaml is missing');
        return;
    }
    contract ??= Contract.read();
    for (const sentence of contract.check(answer)) {
        violations.add(sentence);
    }
    const operation = contract.find(answer.method, answer.path);
    if (operation && answer.status >= 200 && answer.status < 300 && !seen.has(operation.name)) {
        seen.add(operation.name);
        if (folder) {
            mkdirSync(folder, { recursive: true });
            appendFileSync(path.join(folder, `${process.pid}.seen`), `${operation.name}\n`);
        }
    }
}

export function takeViolations() {
    const found = [...violations];
    violations.clear();
    return found;
}

// Operations that no process has seen to succeed.
export function unseenOperations(at) {
    const all = new Set();
    for (const name of readdirSync(at).filter((file) => file.endsWith('.seen'))) {
        for (const line of readFileSync(path.join(at, name), 'utf8').split('\n')) {
            all.add(line);
        }
    }
    return Contract.read().operations.map(({ name }) => name).filter((name) => !all.has(name));
}
