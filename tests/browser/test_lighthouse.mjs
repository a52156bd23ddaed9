// tests/browser/test_lighthouse.mjs - what Lighthouse says of the agenda and of an event's page
import { execFileSync } from 'node:child_process';
import { BROWSER, URL_OF, expect, finish, part, same, skip } from './site.mjs';
import { scene } from './pages.mjs';

const WANTED = 95;
const at = process.env.T_LIGHTHOUSE;

// Scores of the categories, and what cost points.
function ask(path) {
	const report = JSON.parse(execFileSync('node', [`${at}/node_modules/lighthouse/cli/index.js`, URL_OF + path, '--quiet',
		'--only-categories=performance,best-practices', '--output=json', '--chrome-flags=--headless=new --no-sandbox --disable-gpu'],
		{ encoding: 'utf8', maxBuffer: 1 << 27, env: { ...process.env, CHROME_PATH: BROWSER } }));
	const lost = Object.values(report.categories).flatMap((c) => c.auditRefs).filter((r) => r.weight > 0)
		.map((r) => report.audits[r.id]).filter((a) => a.score !== null && a.score < 1).map((a) => `${a.id} ${a.score} ${a.displayValue ?? ''}`);

	return { scores: Object.entries(report.categories).map(([name, c]) => [name, Math.round(c.score * 100)]), lost };
}

if (at) {
	await part('lighthouse', async () => {
		const { event } = await scene();

		for (const path of ['/', `/e/${event.slug}`]) {
			const { scores, lost } = ask(path);

			console.log(`${path}: ${scores.map((s) => s.join(' ')).join(', ')} (less than all: ${lost.join('; ') || 'nothing'})`);
			same(scores.map(([name]) => name).sort(), ['best-practices', 'performance'], `${path} has both scores`);
			for (const [name, score] of scores)
				expect(score >= WANTED, `${path}: ${name} ${score}: ${lost.join('; ')}`);
		}
	});
} else {
	skip('Lighthouse: not among the packages');
}
finish('test_lighthouse');
