// tests/browser/screenshots.mjs FOLDER - every page, light and dark, wide and on a phone, as pictures
import { mkdirSync } from 'node:fs';
import { URL_OF, browser, pages, signIn, something } from './site.mjs';

const KINDS = [
	['light', { viewport: { width: 1280, height: 900 }, colorScheme: 'light' }],
	['dark', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' }],
	['phone', { viewport: { width: 390, height: 844 }, colorScheme: 'light', isMobile: true }],
];
const folder = process.argv[2];
const event = await something();
const b = await browser();

mkdirSync(folder, { recursive: true });
for (const [kind, options] of KINDS) {
	const visitors = new Map();

	for (const [name, path, who] of pages(event)) {
		if (!visitors.has(who)) {
			const page = await (await b.newContext(options)).newPage();

			if (who)
				await signIn(page, who);
			visitors.set(who, page);
		}
		const page = visitors.get(who);

		await page.goto(URL_OF + path);
		await page.screenshot({ path: `${folder}/${name}-${kind}.png`, fullPage: kind !== 'phone' });
		console.log(`${folder}/${name}-${kind}.png`);
	}
}
await b.close();
