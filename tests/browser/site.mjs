// tests/browser/site.mjs - a browser on the running site, and people signed in to it
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

export const URL_OF = process.env.T_URL;
const PASSWORD = 'password123'; // of the people that ./dev up makes
const BROWSER = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

export async function browser() {
	return chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox', '--disable-gpu'] });
}

export async function signIn(page, email) {
	await page.goto(`${URL_OF}/login`);
	await page.fill('input[name=email]', email);
	await page.fill('input[name=password]', PASSWORD);
	await page.click('main form button');
}

// JSON of the API, as somebody or nobody.
export async function api(method, path, body, token) {
	const answer = await fetch(`${URL_OF}${path}`, {
		method,
		headers: {
			...(body ? { 'Content-Type': 'application/json' } : {}),
			...(token ? { Authorization: `Bearer ${token}` } : {}),
		},
		body: body && JSON.stringify(body),
	});
	const text = await answer.json();

	if (!answer.ok)
		throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(text)}`);
	return text.data;
}

export async function tokenOf(email) {
	return (await api('POST', '/auth/login', { email, password: PASSWORD })).token;
}

// Something to look at: an event of alice's with a few seats, some of them taken.
export async function something() {
	const token = await tokenOf('alice@example.org');
	const when = new Date(Date.now() + 14 * 86400e3);

	when.setUTCHours(17, 0, 0, 0);
	const event = await api('POST', '/api/events', {
		title: 'Evening of small lightning talks',
		description: 'Ten talks of **five minutes** each.\n\n- bring an idea\n- bring a friend\n\nDoors open at half past six.',
		location: 'Old Gasworks, Dresden',
		coordinates: { lat: 51.05, lng: 13.74 },
		start_date: when.toISOString(),
		end_date: new Date(when.getTime() + 3 * 3600e3).toISOString(),
		timezone: 'Europe/Berlin',
		category: 'meetup',
		tags: ['talks', 'evening'],
		max_attendees: 40,
	}, token);

	await api('POST', `/api/events/${event.id}/rsvp`, { status: 'going' }, token);
	return event;
}

// Every page there is: name, address, who looks at it. A new page gets a line here.
export function pages(event) {
	return [
		['agenda', '/', null],
		['event', `/e/${event.slug}`, null],
		['event-member', `/e/${event.slug}`, 'alice@example.org'],
		['month', `/?view=month&month=${event.start_date.slice(0, 7)}`, null],
		['docs', '/docs', null],
		['docs-events', '/docs/events', null],
		['embed', '/embed', null],
		['login', '/login', null],
		['signup', '/signup', null],
		['forgot', '/forgot', null],
		['reset', '/reset?token=of-a-mail', null],
		['me', '/me', 'alice@example.org'],
		['second', '/me/second', 'alice@example.org'],
		['sessions', '/me/sessions', 'alice@example.org'],
		['desk', '/admin/', 'admin@example.org'],
		['desk-events', '/admin/events', 'admin@example.org'],
		['desk-new', '/admin/events/new', 'alice@example.org'],
		['desk-edit', `/admin/events/${event.id}`, 'alice@example.org'],
		['desk-cancel', `/admin/events/${event.id}/cancel`, 'alice@example.org'],
		['desk-attendees', `/admin/events/${event.id}/attendees`, 'alice@example.org'],
		['desk-waiting', `/admin/events/${event.id}/waiting`, 'alice@example.org'],
		['desk-categories', '/admin/categories', 'admin@example.org'],
		['desk-system', '/admin/system', 'admin@example.org'],
		['profile', '/me/profile', 'alice@example.org'],
		['desk-people', '/admin/people', 'admin@example.org'],
		['desk-account', `/admin/people/${event.host_id}`, 'admin@example.org'],
		['desk-audit', '/admin/audit', 'admin@example.org'],
		['not-found', '/e/nothing-here-0123456789', null],
	];
}
