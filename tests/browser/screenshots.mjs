// tests/browser/screenshots.mjs FOLDER [NAME…] - every page, or those named: light, dark, phone, paper
import { mkdirSync } from 'node:fs';
import { browser } from './site.mjs';
import { pages, scene, visit } from './pages.mjs';

const PAPER = /^(ticket|desk-attendees|agenda|event)$/;
const KINDS = [
	['light', { viewport: { width: 1280, height: 900 }, colorScheme: 'light' }],
	['dark', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' }],
	['phone', { viewport: { width: 390, height: 844 }, colorScheme: 'light', isMobile: true }],
	['paper', { viewport: { width: 794, height: 1123 }, colorScheme: 'dark' }], // A4
];
const [folder, ...names] = process.argv.slice(2);
const b = await browser();
const rows = pages(await scene()).filter(([name]) => !names.length || names.includes(name));

mkdirSync(folder, { recursive: true });
for (const [kind, options] of KINDS)
	await visit(b, options, kind === 'paper' ? rows.filter(([name]) => PAPER.test(name)) : rows, async (v, name) => {
		const path = `${folder}/${name}-${kind}.png`;

		await v.page.emulateMedia({ media: kind === 'paper' ? 'print' : 'screen' });
		await v.page.screenshot({ path, fullPage: true });
		await v.page.emulateMedia({ media: 'screen' });
		console.log(path);
	});
await b.close();
