// tests/browser/check.mjs - each page in a real browser: axe, the validator, no word to another host
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { HtmlValidate } from 'html-validate';
import { URL_OF, browser, pages, signIn, something } from './site.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
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
const found = [];
let passed = 0;

function expect(good, what) {
	if (good)
		return passed++;
	found.push(what);
	console.log(`FAIL ${what}`);
}

async function look(page, name, path) {
	const elsewhere = [];

	page.on('request', (r) => { if (!r.url().startsWith(URL_OF) && !r.url().startsWith('data:')) elsewhere.push(r.url()); });
	const answer = await page.goto(URL_OF + path);
	const html = await answer.text();
	const report = await validator.validateString(html);

	for (const m of report.results.flatMap((r) => r.messages).filter((m) => m.severity === 2))
		expect(false, `${name}: html-validate ${m.ruleId} at ${m.line}: ${m.message}`);
	expect(report.valid, `${name}: valid HTML`);
	expect(elsewhere.length === 0, `${name}: asks ${elsewhere}`);
	expect(html.length <= 60 * 1024, `${name}: weighs ${html.length}`);
	// the page's policy allows no script from outside of it: axe comes in as the debugger's
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() => globalThis.axe.run());

	for (const v of violations)
		expect(!['serious', 'critical'].includes(v.impact), `${name}: axe ${v.id}: ${v.nodes[0].html}`);
	passed++;
}

const event = await something();
const b = await browser();

for (const colorScheme of ['light', 'dark'])
	for (const [name, path, who] of pages(event)) {
		const context = await b.newContext({ colorScheme });
		const page = await context.newPage();

		if (who)
			await signIn(page, who);
		await look(page, `${name}, ${colorScheme}`, path);
		await context.close();
	}
await b.close();
console.log(`RESULT browser passed=${passed} failed=${found.length} skipped=0`);
process.exit(found.length ? 1 : 0);
