// tests/browser/site.mjs - a browser on the running site, who looks at it, the API beside it, the count
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

export const URL_OF = process.env.T_URL;
export const ADMIN = 'admin@example.org', HOST = 'alice@example.org'; // those that ./dev up makes
export const PASSWORD = 'password123'; // theirs, and of everybody who is made here
export const LONG = Boolean(process.env.T_LONG);
export const BROWSER = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const PATIENCE_MS = 120e3;
const RUN = Date.now().toString(36);
let number = 0;

// A word that nothing else has.
export const unique = (word) => `${word}${RUN}n${number++}`;

// ---- the count ----
const counts = { passed: 0, failed: 0, skipped: 0 };

export function expect(good, what) {
	counts[good ? 'passed' : 'failed']++;
	if (!good)
		console.log(`FAIL ${what}`);
	return good;
}

export function same(got, want, what) {
	const [g, w] = [got, want].map((v) => JSON.stringify(v));

	return expect(g === w, `${what}\n     got  ${g?.slice(0, 2000)}\n     want ${w?.slice(0, 2000)}`);
}

export function skip(what) {
	counts.skipped++;
	console.log(`SKIP ${what}`);
}

// What is thrown ends this part alone.
export async function part(name, work) {
	try {
		await work();
	} catch (e) {
		expect(false, `${name}: ${e.stack}`);
	}
}

export function finish(name) {
	console.log(`RESULT ${name} ${Object.entries(counts).map(([k, n]) => `${k}=${n}`).join(' ')}`);
	process.exit(counts.failed ? 1 : 0);
}

// ---- beside the browser ----

// ./dev of the stack behind the site.
export function dev(words, input = '') {
	return execFileSync(process.env.T_DEV, words, { encoding: 'utf8', input, maxBuffer: 1 << 26 });
}

// JSON of the API, as somebody or nobody.
export async function ask(method, path, body, token) {
	const answer = await fetch(`${URL_OF}${path}`, {
		method,
		headers: {
			...(body ? { 'Content-Type': 'application/json' } : {}),
			...(token ? { Authorization: `Bearer ${token}` } : {}),
		},
		body: body && JSON.stringify(body),
	});

	return { status: answer.status, ...await answer.json() };
}

export async function api(method, path, body, token) {
	const answer = await ask(method, path, body, token);

	if (!answer.success)
		throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
	return answer.data;
}

export async function tokenOf(email) {
	return (await api('POST', '/auth/login', { email, password: PASSWORD })).token;
}

// Somebody new: {id, name, email, token}.
export async function newcomer(name) {
	const email = `${unique('p')}@example.org`;
	const { user, token } = await api('POST', '/auth/register', { name, email, password: PASSWORD });

	return { id: user.id, name, email, token };
}

// ---- in the browser ----
export async function browser() {
	return chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox', '--disable-gpu'], timeout: PATIENCE_MS });
}

// The console says so of a page that is an error page, too.
const isStatus = (message, page) =>
	/^Failed to load resource: the server responded with a status of 4\d\d/.test(message.text()) && message.location().url === page.url();

// Somebody at a browser. noticed: what no page may do (scripts that fail, a policy that is hurt, dialogs,
// words to other hosts); answer: of the page that is shown.
export class Visitor {
	static async enter(b, options = {}) {
		const v = new Visitor();

		v.context = await b.newContext({ locale: 'en-GB', ...options });
		v.context.setDefaultTimeout(PATIENCE_MS);
		v.page = await v.context.newPage();
		v.noticed = [];
		v.bodies = new Map();
		await v.#watch();
		return v;
	}

	async #watch() {
		const { page, noticed } = this;
		const cdp = await this.context.newCDPSession(page);

		cdp.on('Audits.issueAdded', ({ issue }) => {
			if (issue.code === 'ContentSecurityPolicyIssue')
				noticed.push(`policy: ${JSON.stringify(issue.details)}`);
		});
		await cdp.send('Audits.enable');
		page.on('dialog', (d) => { noticed.push(`dialog: ${d.message()}`); d.dismiss().catch(() => {}); });
		page.on('pageerror', (e) => noticed.push(`script: ${e.message}`));
		page.on('console', (m) => {
			if (['error', 'warning'].includes(m.type()) && !isStatus(m, page))
				noticed.push(`console: ${m.text()} ${m.location().url}`);
		});
		page.on('request', (r) => {
			if (!r.url().startsWith(`${URL_OF}/`) && !r.url().startsWith('data:'))
				noticed.push(`other host: ${r.url()}`);
		});
		page.on('response', (r) => {
			if (r.request().isNavigationRequest() && (r.status() < 300 || r.status() >= 400))
				this.answer = r;
		});
	}

	async go(path) {
		await this.page.goto(URL_OF + path);
		return this;
	}

	async signIn(email) {
		await this.go('/login');
		await this.type({ email, password: PASSWORD });
		await this.press('Sign in');
		return this;
	}

	// What leads to another page, or to the same page anew.
	async leave(act) {
		await Promise.all([this.page.waitForEvent('load'), act()]);
	}

	button(name) { return this.page.locator('main').getByRole('button', { name }).first(); }
	link(name) { return this.page.getByRole('link', { name }).first(); }
	async press(name) { await this.leave(() => this.button(name).click()); }
	async follow(name) { await this.leave(() => this.link(name).click()); }

	field(name) {
		return this.page.locator(`main :is(input, select, textarea)[name="${name}"]:not([type=hidden])`).first();
	}

	async type(fields) {
		for (const [name, value] of Object.entries(fields)) {
			if (await this.field(name).evaluate((e) => e.tagName) === 'SELECT')
				await this.field(name).selectOption(value);
			else
				await this.field(name).fill(value);
		}
	}

	// What stands in the fields of that name.
	async typed(...names) {
		return Promise.all(names.map((name) => this.field(name).inputValue()));
	}

	// Where the next key goes, once it has gone there.
	async focused(selector) {
		return this.page.locator(`${selector}:focus`).waitFor().then(() => true, () => false);
	}

	async texts(selector) {
		return (await this.page.locator(selector).allInnerTexts()).map((t) => t.replace(/\s+/g, ' ').trim());
	}

	// What comes over a line of its own, at its own time: is it noticed?
	async notices(kind) {
		for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await this.page.waitForTimeout(20))
			if (this.noticed.some((n) => n.startsWith(kind)))
				return true;
		return false;
	}

	async has(text) { return (await this.page.locator('body').innerText()).includes(text); }
	path() { return this.page.url().slice(URL_OF.length); }
	async close() { await this.context.close(); }
}
