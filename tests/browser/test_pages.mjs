// tests/browser/test_pages.mjs - each page in a real browser: axe, the validators, what it weighs, what it does
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { HtmlValidate } from 'html-validate';
import { LONG, URL_OF, Visitor, browser, expect, finish, part, same, skip } from './site.mjs';
import { missing, pages, scene, visit } from './pages.mjs';

const WEIGHT = 60 * 1024;
const PHONE = { width: 360, height: 740 };
// The colours are the same everywhere: these have all of them, in the long form each page is looked at.
const DARK = new Set(['agenda', 'month', 'event', 'ticket-used', 'door-in', 'door-refused', 'desk', 'desk-conflict', 'desk-new-wrong', 'desk-events', 'docs']);
const find = createRequire(import.meta.url).resolve;
const axe = readFileSync(find('axe-core/axe.min.js'), 'utf8');
const validator = new HtmlValidate({
	extends: ['html-validate:standard'],
	rules: {
		'void-style': 'off', // taste
		'no-trailing-whitespace': 'off', // of templates
		'attribute-boolean-style': 'off',
		'doctype-style': 'off',
		'long-title': 'off', // an event's title is its own
	},
});
const kept = mkdtempSync(`${tmpdir()}/marquee-pages.`);

// ---- what each is asked ----
async function validity(html) {
	const report = await validator.validateString(html);

	return report.results.flatMap((r) => r.messages).filter((m) => m.severity === 2)
		.map((m) => `html-validate ${m.ruleId} at ${m.line}: ${m.message}`);
}

// The page's policy allows no script from outside of it: axe comes in as the debugger's.
async function access(page, options = {}) {
	if (!await page.evaluate(() => 'axe' in globalThis))
		await page.evaluate(axe);
	const { violations } = await page.evaluate((o) => globalThis.axe.run(document, o), { resultTypes: ['violations'], ...options });

	return violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `axe ${v.id}: ${v.nodes[0].html}`);
}

// Of what the browser has read for it, but for pictures.
async function weight(page, html) {
	const parts = await page.evaluate(() => performance.getEntriesByType('resource')
		.filter((r) => ['link', 'script'].includes(r.initiatorType)).map((r) => r.decodedBodySize));

	return Buffer.byteLength(html) + parts.reduce((a, n) => a + n, 0);
}

// By how many pixels it is wider than a phone; what scrolls within itself is not counted.
async function excess(page) {
	const before = page.viewportSize();

	await page.setViewportSize(PHONE);
	const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

	await page.setViewportSize(before);
	return wide;
}

async function look(v, name) {
	const html = await v.answer.text();

	writeFileSync(`${kept}/${name}.html`, html);
	same(await validity(html), [], `${name}: is valid`);
	same(await access(v.page), [], `${name}: can be used by all`);
	if (LONG || DARK.has(name)) {
		await v.page.emulateMedia({ colorScheme: 'dark' });
		same(await access(v.page, { runOnly: ['color-contrast'] }), [], `${name}: can be read in the dark`);
		await v.page.emulateMedia({ colorScheme: 'light' });
	}
	same(await excess(v.page), 0, `${name}: fits on a phone`);
	const heavy = await weight(v.page, html);

	expect(heavy <= WEIGHT, `${name}: weighs ${heavy}`);
	same(v.noticed, [], `${name}: does only what it may`);
}

// ---- do they find anything? ----

const BAD = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bad</title></head><body>
<script>alert(1)</script><p style="color:#ccc">pale</p><img src="https://elsewhere.example/x.png"><b><p></b>
<button onclick="alert(2)"></button></body></html>`;

async function control(b) {
	const v = await Visitor.enter(b);
	let policy = null;

	await v.go('/login');
	policy = v.answer.headers()['content-security-policy'];
	await v.page.route('**/*', (r) => r.fulfill({ contentType: 'text/html', body: BAD }));
	await v.page.goto(`${URL_OF}/bad`);
	same(v.noticed.map((n) => n.split(':')[0]).sort(), ['dialog', 'other host'], 'control: a dialog and a picture from elsewhere are noticed');
	const found = [...await validity(BAD), ...await access(v.page)].join('\n');

	await v.page.setContent('<!doctype html><p style="width:900px">wide');
	same(await excess(v.page) > 0, true, 'control: too wide for a phone');
	for (const rule of ['element-permitted-content', 'axe image-alt', 'axe button-name', 'axe color-contrast'])
		expect(found.includes(rule), `control: ${rule} is found in ${found}`);
	v.noticed.length = 0;
	await v.page.unrouteAll();
	await v.page.route('**/*', (r) => r.fulfill({ contentType: 'text/html', body: BAD, headers: { 'Content-Security-Policy': policy } }));
	await v.page.goto(`${URL_OF}/bad`);
	expect(await v.notices('policy:') && !v.noticed.some((n) => n.startsWith('dialog:')),
	       `control: the policy holds and tells: ${v.noticed}`);
	await v.close();
}

// ---- the Nu checker ----
function nu() {
	const jar = process.env.T_VNU;

	if (!jar)
		return LONG && skip('the Nu checker: no vnu.jar and Java here');
	let told = '';

	try {
		execFileSync('java', ['-jar', jar, '--format', 'json', '--also-check-css', kept], { encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 26 });
	} catch (e) {
		told = e.stderr;
	}
	const messages = told ? JSON.parse(told).messages : [];

	same(messages.filter((m) => m.type === 'error').map((m) => `${m.url.split('/').pop()}:${m.lastLine}: ${m.message}`), [], 'the Nu checker');
}

const b = await browser();

await part('control', () => control(b));
await part('pages', async () => {
	const rows = pages(await scene());

	same(await missing(rows), [], 'pages of the program that tests/browser/pages.mjs does not show');
	same(await missing(rows.filter(([name]) => name !== 'sessions')), ['/me/sessions'], 'control: a page that is not shown is missed');
	await visit(b, {}, rows, look);
});
await part('nu', nu);
await b.close();
rmSync(kept, { recursive: true });
finish('test_pages');
