// tests/browser/pages.mjs - every page there is, with something on it: a new page gets a line here
import { createHmac } from 'node:crypto';
import { ADMIN, HOST, PASSWORD, URL_OF, Visitor, api, ask, dev, newcomer, tokenOf } from './site.mjs';

// ---- something to look at ----
const hours = (n) => new Date(Math.ceil(Date.now() / 3600e3) * 3600e3 + n * 3600e3).toISOString();

const LIGHTNING = {
	title: 'Evening of small lightning talks',
	description: 'Ten talks of **five minutes** each.\n\n- bring an idea\n- bring a friend\n\nDoors open at half past six.',
	location: 'Old Gasworks, Dresden',
	coordinates: { lat: 51.05, lng: 13.74 },
	start_date: hours(3),
	end_date: hours(6),
	timezone: 'Europe/Berlin',
	category: 'meetup',
	tags: ['talks', 'evening'],
	max_attendees: 3,
};

// An event today, hosted by alice: three have a seat, one of them is in, two wait. A draft of hers, and one
// that was called off.
export async function scene() {
	const host = await tokenOf(HOST);
	const make = (more) => api('POST', '/api/events', { ...LIGHTNING, ...more }, host);
	const event = await make({}), draft = await make({ title: 'Winter walk', status: 'draft', start_date: hours(400), end_date: null });
	const off = await make({ title: 'Concert in the park', start_date: hours(200), end_date: null });
	const at = `/api/events/${event.id}`;
	const people = [];

	await api('POST', `${at}/rsvp`, { status: 'going' }, host);
	for (const name of ['Grace Hopper', 'Blaise Pascal', 'Mary Somerville', 'Ada Lovelace']) {
		people.push(await newcomer(name));
		await api('POST', `${at}/rsvp`, { status: 'going' }, people.at(-1).token);
	}
	await api('POST', `/api/events/${off.id}/rsvp`, { status: 'going' }, people[0].token);
	await api('POST', `/api/events/${off.id}/cancel`, { reason: 'The forecast is hail.' }, host);
	await api('POST', `${at}/checkin`, { user_id: people[0].id }, host);
	const { url } = await api('POST', `${at}/gates`, { name: 'North entrance' }, host);
	const { code } = await api('GET', `${at}/ticket`, undefined, people[1].token);

	return { event, draft, off, host, people, code, gate: url.slice(url.indexOf('/door/')) };
}

// What an authenticator app shows (RFC 6238).
function totp(secret) {
	const bits = [...secret.replace(/[\s=]/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
	const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
	const counter = Buffer.alloc(8);

	counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30e3)));
	const mac = createHmac('sha1', key).update(counter).digest();

	return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}

// ---- how pages come to be that have no address of their own ----
const form = (fields, button) => async (v) => {
	await v.type(fields);
	await v.press(button);
};

// As without scripts, so that the answer is a page.
const scan = (text) => async (v) => {
	await v.type({ code: text });
	await v.leave(() => v.page.locator('.entry').evaluate((f) => f.submit()));
};

// Somebody else saves between the two.
const conflict = (s) => async (v) => {
	await v.type({ title: 'Evening of lightning talks', description: 'Mine: nine talks.' });
	await api('PATCH', `/api/events/${s.event.id}`, { description: `${s.event.description}\n\nBring a mug. ${Math.random()}` }, s.host);
	await v.press('Look at the changes');
};

const lost = (more) => async (v) => {
	await v.type({ description: 'What took an hour to write.' });
	await v.context.clearCookies();
	await v.press('Look at the changes');
	if (more) {
		await v.type({ email: HOST, password: PASSWORD });
		await v.press('Sign in');
	}
};

// A second factor, up to where the page is wanted: asked for, on, or asked at the next sign-in.
const second = (until) => async (v) => {
	const who = await newcomer('Careful Kate');

	await v.signIn(who.email);
	await v.go('/me/second');
	await v.press('Set up an authenticator app');
	if (until === 'asked')
		return;
	await v.type({ code: totp((await v.texts('main code'))[0]) });
	await v.press('Confirm');
	if (until === 'on')
		return;
	await v.context.clearCookies();
	await v.go('/login');
	await form({ email: who.email, password: PASSWORD }, 'Sign in')(v);
};

// [name, address, who looks at it, what is done there first]
export function pages(s) {
	const { event, people: [guest, other, waiting] } = s;
	const at = `/e/${event.slug}`, desk = `/admin/events/${event.id}`, draft = `/admin/events/${s.draft.id}`;

	return [
		['agenda', '/', null],
		['agenda-found', '/?q=lightning', null],
		['agenda-nothing', '/?q=xylophonequagga', null],
		['month', `/?view=month&month=${event.start_date.slice(0, 7)}`, null],
		['event', at, null],
		['event-going', at, guest.email],
		['event-waiting', at, waiting.email],
		['event-hosting', at, HOST],
		['event-off', `/e/${s.off.slug}`, null],
		['ticket', `${at}/ticket`, other.email],
		['ticket-used', `${at}/ticket`, guest.email],
		['door', `${at}/door`, HOST],
		['door-in', `${at}/door`, HOST, async (v) => {
			await ask('DELETE', `/api/events/${event.id}/checkin/${other.id}`, undefined, s.host);
			await scan(s.code)(v);
		}],
		['door-already', `${at}/door`, HOST, scan(s.code)],
		['door-refused', `${at}/door`, HOST, scan('https://example.org/some/other/code')],
		['door-found', `${at}/door`, HOST, scan('a')],
		['door-link', s.gate, null],
		['door-staff', '/door', null, async (v) => {
			await v.go(s.gate);
			await scan('hopp')(v);
		}],
		['door-nobody', '/door', null],
		['gates', `${at}/gates`, HOST],
		['gates-fresh', `${at}/gates`, HOST, form({ name: 'South entrance' }, 'Make a link')],
		['gates-wrong', `${at}/gates`, HOST, form({ name: 'West', expires_at: '2001-01-01' }, 'Make a link')],
		['docs', '/docs', null],
		['docs-events', '/docs/events', null],
		['embed', '/embed', null],
		['embed-event', `${at}/embed`, null],
		['login', '/login', null],
		['login-wrong', '/login', null, form({ email: HOST, password: 'another one' }, 'Sign in')],
		['login-code', '/login', null, second('next')],
		['signup', '/signup', null],
		['signup-wrong', '/signup', null, form({ name: ' ', email: 'no@dot', password: PASSWORD }, 'Create an account')],
		['signup-known', '/signup', null, form({ name: 'Alice', email: HOST, password: PASSWORD }, 'Create an account')],
		['forgot', '/forgot', null],
		['forgot-sent', '/forgot?sent=1', null],
		['reset', '/reset?token=of-a-mail', null],
		['reset-wrong', '/reset?token=of-a-mail', null, form({ password: 'a new pass word' }, 'Change the password')],
		['reset-done', '/reset?done=1', null],
		['me', '/me', guest.email],
		['me-hosting', '/me', HOST],
		['profile', '/me/profile', guest.email],
		['profile-wrong', '/me/profile', guest.email, form({ username: 'no such name!', timezone: 'Moon/Base' }, 'Save')],
		['second', '/me/second', guest.email],
		['second-asked', '/login', null, second('asked')],
		['second-on', '/login', null, second('on')],
		['sessions', '/me/sessions', guest.email],
		['desk', '/admin/', ADMIN],
		['desk-short', '/admin', ADMIN],
		['desk-events', '/admin/events', ADMIN],
		['desk-new', '/admin/events/new', HOST],
		['desk-new-wrong', '/admin/events/new', HOST, form({ title: 'No', start_date: '2031-07-01T19:00', end_date: '2031-07-01T18:00', lat: '95', lng: '1' }, 'Create it')],
		['desk-edit', desk, HOST],
		['desk-preview', desk, HOST, form({ title: 'Evening of lightning talks', max_attendees: '4' }, 'Look at the changes')],
		['desk-conflict', desk, HOST, conflict(s)],
		['desk-lost', desk, HOST, lost(false)],
		['desk-kept', desk, HOST, lost(true)],
		['desk-publish', `${draft}/publish`, HOST],
		['desk-cancel', `${desk}/cancel`, HOST],
		['desk-duplicate', `${desk}/duplicate`, HOST],
		['desk-delete', `${draft}/delete`, HOST],
		['desk-attendees', `${desk}/attendees`, HOST],
		['desk-attendees-wrong', `${desk}/attendees`, HOST, form({ reason: 'seen twice' }, 'Take back')],
		['desk-waiting', `${desk}/waiting`, HOST],
		['desk-categories', '/admin/categories', ADMIN],
		['desk-category', '/admin/categories?edit=arts', ADMIN],
		['desk-system', '/admin/system', ADMIN],
		['desk-people', '/admin/people', ADMIN],
		['desk-account', `/admin/people/${event.host_id}`, ADMIN],
		['desk-audit', '/admin/audit', ADMIN],
		['not-found', '/e/nothing-here-0123456789', null],
		['not-allowed', '/admin/system', guest.email],
	];
}

// ---- showing them ----

// Calls look(visitor, name) on each; whoever does something there first has a browser to himself.
export async function visit(b, options, rows, look) {
	const known = new Map();

	for (const [name, path, who, act] of rows) {
		const key = act ? name : who;

		if (!known.has(key)) {
			known.set(key, await Visitor.enter(b, options));
			if (who)
				await known.get(key).signIn(who);
		}
		const v = known.get(key);

		v.noticed.length = 0;
		await v.go(path);
		if (act)
			await act(v);
		await look(v, name);
		if (act)
			await v.close();
	}
	for (const [key, v] of known)
		if (!rows.some(([name, , , act]) => act && name === key))
			await v.close();
}

// ---- are these all? ----

// GET of the route table without what the API's description tells of: the pages.
async function routes() {
	const { paths } = await (await fetch(`${URL_OF}/openapi.json`)).json();

	return dev(['marquee', 'routes']).split('\n').map((line) => line.split(/\s+/))
		.filter(([method, path]) => method === 'GET' && path)
		.map(([, path]) => path.replace(/:(\w+)/g, '{$1}'))
		.filter((path) => !paths[path]?.get);
}

function fits(route, path) {
	const pattern = route.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+');

	return new RegExp(`^${pattern}$`).test(path);
}

const FILES = ['/admin/events/{id}/attendees.csv']; // shown by no browser

// Pages of the program that no row of the table shows.
export async function missing(rows) {
	const all = await routes(), seen = new Set(FILES);

	for (const [, path] of rows)
		seen.add(all.filter((r) => fits(r, path.split('?')[0])).sort((a, b) => a.split('{').length - b.split('{').length)[0]);
	return all.filter((route) => !seen.has(route));
}
