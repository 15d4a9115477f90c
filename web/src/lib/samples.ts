// SPDX-License-Identifier: Apache-2.0
//
// samples.ts - code that verifies a webhook, for its signature profile and the server's header prefix. It works on
// the raw bytes, compares in constant time, and looks at the age where there is one. Pure.

export type Profile = 'standard' | 'timestamped' | 'platform'
export type Language = 'Node.js' | 'TypeScript'

export const languages: Language[] = ['Node.js', 'TypeScript']

/** `typed(a, b)`: a in TypeScript, b in JavaScript. */
type Pick = (typescript: string, javascript: string) => string

function standard(typed: Pick): string {
    return `function isGenuine(headers${typed(': IncomingHttpHeaders', '')}, raw${typed(': Buffer', '')})${typed(': boolean', '')} {
  const id = String(headers['webhook-id'] ?? '');
  const at = String(headers['webhook-timestamp'] ?? '');
  const age = Math.abs(Date.now() / 1000 - Number(at));
  if (id === '' || at === '' || !(age <= 300)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const want = createHmac('sha256', key).update(\`\${id}.\${at}.\`).update(raw).digest();
  return String(headers['webhook-signature'] ?? '').split(' ').some((entry) => {
    const [version, text] = entry.split(',');
    const got = Buffer.from(text ?? '', 'base64');
    return version === 'v1' && got.length === want.length && timingSafeEqual(got, want);
  });
}`
}

function timestamped(typed: Pick, prefix: string): string {
    return `function isGenuine(headers${typed(': IncomingHttpHeaders', '')}, raw${typed(': Buffer', '')})${typed(': boolean', '')} {
  const parts = String(headers['${prefix.toLowerCase()}-signature'] ?? '').split(',').map((part) => part.split('='));
  const at = parts.find(([name]) => name === 't')?.[1];
  if (!(Math.abs(Date.now() / 1000 - Number(at)) <= 300)) return false;
  const want = createHmac('sha256', secret).update(\`\${at}.\`).update(raw).digest();
  return parts.some(([name, text]) => {
    const got = Buffer.from(text ?? '', 'hex');
    return name === 'v1' && got.length === want.length && timingSafeEqual(got, want);
  });
}`
}

function platform(typed: Pick, prefix: string): string {
    return `function isGenuine(headers${typed(': IncomingHttpHeaders', '')}, raw${typed(': Buffer', '')})${typed(': boolean', '')} {
  const want = createHmac('sha256', secret).update(raw).digest();
  const got = Buffer.from(String(headers['x-${prefix.toLowerCase()}-signature'] ?? '').replace(/^sha256=/, ''), 'hex');
  return got.length === want.length && timingSafeEqual(got, want);
}`
}

function pathOf(url: string): string {
    try {
        return new URL(url).pathname.replaceAll(/[^\w/.~-]/g, '')
    } catch {
        return '/webhooks'
    }
}

export function verificationCode(language: Language, profile: Profile, prefix: string, url: string): string {
    const isTyped = language === 'TypeScript'
    const typed: Pick = (typescript, javascript) => (isTyped ? typescript : javascript)
    const verify =
        profile === 'standard'
            ? standard(typed)
            : profile === 'timestamped'
              ? timestamped(typed, prefix)
              : platform(typed, prefix)
    return `import { createHmac, timingSafeEqual } from 'node:crypto';
${typed("import type { IncomingHttpHeaders } from 'node:http';\nimport express, { type Request, type Response } from 'express';", "import express from 'express';")}

const secret = process.env.WEBHOOK_SECRET${typed(" ?? ''", '')};

${verify}

const app = express();

// The raw bytes: a body that was parsed and written again has other bytes than what was signed.
app.post('${pathOf(url)}', express.raw({ type: 'application/json' }), (req${typed(': Request', '')}, res${typed(': Response', '')}) => {
  if (!isGenuine(req.headers, req.body)) {
    return res.status(401).send('Invalid signature');
  }
  res.status(200).send('OK');
  // Answered first; now work.
  console.log('Event:', JSON.parse(req.body.toString('utf8')).type);
});

app.listen(3000);
`
}
