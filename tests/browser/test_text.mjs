// tests/browser/test_text.mjs - what people write stays text: naughty strings in every stored field, on every
// page that shows it. Short fields hold as many strings as fit; descriptions are Markdown and hold a few,
// with T_LONG=1 one each.
import { existsSync, readFileSync } from 'node:fs';
import { ADMIN, LONG, PASSWORD, URL_OF, Visitor, api, ask, browser, dev, expect, finish, newcomer, part, same, skip, tokenOf, unique } from './site.mjs';

const FILE = `${process.env.T_SRCDIR}/../shared/spec/text/blns.json`;
const TABS = 4, CONTROLS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g; // which input refuses
const OWN = [
	'</title><script>alert(1)</script>', '--><img src=x onerror=alert(1)>', '"><svg onload=alert(1)>', '\' autofocus onfocus=alert(1) x=\'',
	'</textarea><script>alert(1)</script>', '</script><script>alert(1)</script>', '<!--<script>', ']]><script>alert(1)</script>', '\u2028\u2029<b>',
	'{{form_key}} {{{form_key}}} {{#user}}x{{/user}}', '&lt;script&gt;alert(1)&lt;/script&gt; &amp;lt; &#60;b&#62;', 'javascript:alert(1)',
	'jaVasCript:/*-/*`/*\\`/*\'/*"/**/(/* */oNcliCk=alert() )//</stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=alert()//>\\x3e',
	'[x](javascript:alert(1)) [y](data:text/html,<script>alert(1)</script>) [z](https://e.example/"onmouseover="alert(1))',
	'![x](https://e.example/x.png "y\' onerror=alert(1)") <https://e.example/\'onclick=alert(1)>', '```\n<script>alert(1)</script>\n```', '| <b> | x |\n|:-:|--:|\n| <i> | y |',
];
const ELEMENTS = new Set(`a article blockquote body br button caption code dd del details div dl dt em fieldset figcaption figure footer form h1 h2
	h3 h4 h5 h6 head header hr html img input ins label legend li link main meta nav ol option p path pre rect script section select span
	strong summary svg table tbody td text textarea th thead time title tr ul video`.split(/\s+/));
const MARKDOWN = { a: /^(rel|href)$/, ol: /^start$/, td: /^class$/, th: /^class$/ };
const WORDS = new Set('p h2 h3 h4 h5 h6 ul ol li blockquote hr pre code table thead tbody tr th td em strong del a br'.split(' '));

// ---- strings ----
const strings = existsSync(FILE) ? [...JSON.parse(readFileSync(FILE, 'utf8')), ...OWN].map((s) => s.toWellFormed()) : [];
const texts = strings.map((s) => [...s.replace(CONTROLS, '')].slice(0, 5000).join('')).filter((s) => /[^ \t\n\v\f\r]/.test(s));
const lines = texts.map((s) => s.replace(/[\t\n\r]/g, '')).filter((s) => /[^ ]/.test(s));

// As many of them in one as have so many characters; what is longer is cut.
function pack(list, most) {
	const packs = [];

	for (const s of list.map((l) => [...l].slice(0, most).join(''))) {
		const both = packs.length ? `${packs.at(-1)} ${s}` : '';

		if (both && [...both].length <= most)
			packs[packs.length - 1] = both;
		else
			packs.push(s);
	}
	return packs;
}

// Paragraphs of their own; what might take in those that follow stands alone.
function group(list, size) {
	const groups = [[]];

	for (const s of list) {
		const alone = /```|~~~/.test(s);

		if (alone || groups.at(-1).length >= size)
			groups.push([]);
		groups.at(-1).push(s);
		if (alone)
			groups.push([]);
	}
	return groups.filter((g) => g.length).map((g) => g.join('\n\n').slice(0, 5000));
}

const nth = (list, i) => list[i % list.length];

async function each(list, workers, work) {
	const todo = list.entries();

	await Promise.all(workers.map(async (w) => {
		for (const [i, one] of todo)
			await work(one, i, w);
	}));
}

// ---- what stands on a page ----

// Elements and attributes that none of our templates has. In the browser.
function aliens([elements, markdown, words]) {
	const found = [], tell = (e) => found.push(e.cloneNode(false).outerHTML.slice(0, 200));

	for (const e of document.querySelectorAll('*')) {
		const name = e.localName, prose = e.closest('.prose') && !e.matches('.prose');
		const own = name !== 'script' || (e.src ?? '').startsWith(`${location.origin}/static/`) || e.type === 'application/ld+json';
		const known = [...e.attributes].every((a) => !/^on|^style$|^srcdoc$/i.test(a.name) &&
			!(/^(href|src|action|formaction)$/.test(a.name) && !/^(https?:|mailto:|[/#?]|$)/i.test(a.value)));
		const written = !prose || words.includes(name) && [...e.attributes].every((a) => new RegExp(markdown[name] ?? '^$').test(a.name));

		if (!elements.includes(name) || !own || !known || !written)
			tell(e);
	}
	return found;
}

async function clean(v, what) {
	const arg = [[...ELEMENTS], Object.fromEntries(Object.entries(MARKDOWN).map(([k, r]) => [k, r.source])), [...WORDS]];
	const found = [...await v.page.evaluate(aliens, arg), ...v.noticed];

	v.noticed.length = 0;
	return found.map((f) => `${what}: ${f}`);
}

// The rows of a list, page after page, as read sees them in the browser.
async function rows(v, path, read, found) {
	const all = [];

	for (let next = path; next;) {
		await v.go(next);
		found.push(...await clean(v, next));
		all.push(...await v.page.evaluate(read));
		next = await v.page.evaluate(() => document.querySelector('p.more a[rel=next]')?.getAttribute('href'));
	}
	return all;
}

// Of those that have it, the ones that differ from what is stored.
const differing = (shown, stored) => shown.filter((one) => !stored.has(one.key) || Object.entries(one).some(([k, v]) =>
	k !== 'key' && JSON.stringify(v) !== JSON.stringify(stored.get(one.key)[k])));

function readCards() {
	return [...document.querySelectorAll('.card')].map((c) => ({
		key: c.querySelector('h3 a').getAttribute('href').split('/').pop(),
		title: c.querySelector('h3 a').textContent,
		location: c.querySelector('.where').textContent,
		...(c.querySelector('a.tag') ? { tags: [...c.querySelectorAll('a.tag')].map((t) => t.textContent) } : {}),
	}));
}

const readMonth = () => [...document.querySelectorAll('td.day a[href^="/e/"]')].map((a) => ({
	key: a.getAttribute('href').split('/').pop(), title: a.lastChild.textContent.slice(1) }));
const readDesk = () => [...document.querySelectorAll('tbody tr')].map((r) => ({
	key: r.querySelector('a').getAttribute('href').split('/').pop(), title: r.querySelector('a').textContent,
	host: r.querySelector('.quiet').textContent }));
const readAudit = () => [...document.querySelectorAll('tbody a[href^="/admin/events/"]')].map((a) => ({
	key: a.getAttribute('href').split('/').pop(), title: a.textContent }));
const readNames = () => [...document.querySelectorAll('tbody tr')].map((r) => r.querySelector('td.long').textContent);

function readEvent() {
	const text = (s) => document.querySelector(s)?.textContent;
	const said = JSON.parse(text('script[type="application/ld+json"]'));

	return { title: [text('h1'), text('title').replace(/ · [^·]*$/, ''), document.querySelector('[property="og:title"]').content, said.name],
		location: text('.facts dd:nth-of-type(2)'), tags: [...document.querySelectorAll('a.tag')].map((t) => t.textContent),
		description: said.description, reason: text('.banner.bad') };
}

const readForm = () => Object.fromEntries(['title', 'location', 'tags', 'description'].map((n) => [n, document.getElementById(`f-${n}`).value]));

// ---- events ----

// One for each text: which of its short fields holds what, by slug and by id.
async function makeEvents(token, start) {
	const titles = pack(lines, 240).filter((s) => s.length > 2), places = pack(lines, 480);
	const tags = [...new Set(lines.map((s) => [...s].slice(0, 50).join('')).filter((s) => /[^ ]/.test(s)))];
	const made = [], refused = [];

	await each(group(texts, LONG ? 1 : 4), [1, 2, 3, 4], async (description, i) => {
		const body = { title: nth(titles, i), location: nth(places, i), tags: [...Array(10).keys()].map((n) => nth(tags, 10 * i + n)),
			description, start_date: new Date(start + (i % 27) * 86400e3).toISOString() };
		const { status, data, error } = await ask('POST', '/api/events', body, token);

		if (status !== 201)
			return refused.push(`${JSON.stringify(body)}: ${JSON.stringify(error)}`);
		made[i] = data;
		if (['title', 'location', 'tags', 'description'].some((n) => JSON.stringify(data[n]) !== JSON.stringify(body[n])))
			refused.push(`${JSON.stringify(body)} is stored as ${JSON.stringify(data)}`);
	});
	same(refused, [], 'all are taken as they were sent');
	return made.filter(Boolean);
}

async function lists(v, host, events, start, found) {
	const bySlug = new Map(events.map((e) => [e.slug, e])), byId = new Map(events.map((e) => [e.id, { ...e, host: host.name }]));
	const month = new Date(start).toISOString().slice(0, 7);

	for (const [path, read, stored, least] of [
		[`/?host_id=${host.id}&limit=100`, readCards, bySlug, events.length],
		[`/?host_id=${host.id}&view=month&month=${month}`, readMonth, bySlug, 80],
		[`/embed?host_id=${host.id}&limit=100`, readCards, bySlug, 100],
		['/me', readCards, bySlug, 20],
		['/admin/events?limit=100', readDesk, byId, events.length],
	]) {
		const shown = await rows(v, path, read, found);

		same(differing(shown, stored), [], `${path} shows what is stored`);
		expect(shown.length >= least, `${path} shows ${shown.length} of ${least}`);
	}
}

async function forms(tabs, events, found) {
	const wrong = [];

	await each(events, tabs, async (e, i, v) => {
		await v.go(`/admin/events/${e.id}`);
		const { tags, ...shown } = await v.page.evaluate(readForm);

		if (differing([{ key: e.id, ...shown, tags: tags.split('\n') }],
			      new Map([[e.id, { ...e, description: e.description.replace(/\r\n?/g, '\n') }]])).length)
			wrong.push([shown, tags, e]);
		found.push(...await clean(v, e.id));
	});
	same(wrong, [], 'forms hold what is stored');
}

async function eventPages(tabs, events, reasons, found) {
	const wrong = [];

	await each(events, tabs, async (e, i, v) => {
		await v.go(`/e/${e.slug}`);
		const shown = await v.page.evaluate(readEvent), off = reasons.get(e.id);
		const want = { title: Array(4).fill(e.title), location: e.location, tags: e.tags, description: e.description,
			...(off ? { reason: `This event is cancelled: ${off.replace(/\r\n?/g, '\n')}` } : {}) };

		if (JSON.stringify(shown) !== JSON.stringify(want))
			wrong.push([shown, want]);
		found.push(...await clean(v, e.slug));
	});
	same(wrong, [], 'pages of events show what is stored');
}

async function tickets(v, guest, events, found) {
	for (const e of events) {
		await api('POST', `/api/events/${e.id}/register`, undefined, guest.token);
		await v.go(`/e/${e.slug}/ticket`);
		same(await v.page.evaluate(() => [...document.querySelectorAll('h1, .facts dd:first-of-type, .facts dd:last-of-type')].map((x) => x.textContent)),
		     [e.title, guest.name, e.location], 'a ticket');
		found.push(...await clean(v, 'ticket'));
	}
}

// The same page with its escapes undone has to be caught in every way.
async function control(b, events) {
	const v = await Visitor.enter(b), e = events.find((x) => x.title.includes('<script>alert('));

	await v.page.route('**/e/*', async (r) => {
		const answer = await r.fetch(), raw = (await answer.text()).replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', '\'');

		await r.fulfill({ response: answer, body: raw });
	});
	await v.go(`/e/${e.slug}`);
	expect(await v.page.evaluate(() => document.querySelector('h1')?.textContent) !== e.title, 'control: unescaped text is another');
	expect(await v.notices('policy:'), 'control: the policy tells of it');
	v.noticed.length = 0;
	expect((await clean(v, 'control')).length > 0, 'control: elements from elsewhere are found');
	await v.page.unrouteAll({ behavior: 'ignoreErrors' }); // a picture that it asks for
	await v.close();
}

// ---- people ----

// 200 have a seat, the others wait. By hand: each would have to hash a password.
function makePeople(event, names) {
	const mark = unique('naughty');

	dev(['psql', '-qXAt', '-v', 'ON_ERROR_STOP=1'], `SET search_path = marquee, public;
		INSERT INTO users (id, email, name) SELECT uuid7(), format('${mark}-%s@example.org', lpad(i::text, 4, '0')), name
		FROM jsonb_array_elements_text($naughty$${JSON.stringify(names)}$naughty$::jsonb) WITH ORDINALITY n (name, i);
		SELECT count((rsvp_set('${event.id}', id, uuid7(), 'going', NULL, true)).status)
		FROM (SELECT id FROM users WHERE email LIKE '${mark}-%' ORDER BY email) p;`);
	return mark;
}

async function people(v, staff, event, found) {
	const names = pack(lines, 100), mark = makePeople(event, names), at = `/admin/events/${event.id}`;
	const sorted = (list) => [...list].sort();

	same(sorted([...await rows(v, `${at}/attendees?limit=100`, readNames, found), ...await rows(v, `${at}/waiting?limit=100`, readNames, found)]),
	     sorted(names), 'who comes and who waits');
	same(sorted(await rows(staff, `/admin/people?limit=100&q=${mark}`, () => [...document.querySelectorAll('tbody td:first-child a')].map((a) => a.textContent), found)),
	     sorted(names), 'people at the desk');
	const accounts = await staff.page.evaluate(() => [...document.querySelectorAll('tbody td:first-child a')].slice(0, 5).map((a) => [a.getAttribute('href'), a.textContent]));

	for (const [path, name] of accounts) {
		await staff.go(path);
		same(await staff.page.evaluate(() => document.querySelector('h1').textContent), name, 'an account');
		found.push(...await clean(staff, path));
	}
}

async function door(v, host, event, found) {
	const names = pack(lines, 100).slice(0, 200), at = `/api/events/${event.id}`;
	const { data } = await ask('GET', `${at}/attendees?limit=100`, undefined, host.token);
	const let_in = data.filter((d) => /[<"'&]/.test(d.user.name)).slice(0, 8);

	await each(names, [1, 2], (name) => api('POST', `${at}/gates`, { name }, host.token));
	for (const { user } of let_in)
		await api('POST', `${at}/checkin`, { user_id: user.id }, host.token);
	await v.go(`/e/${event.slug}/door`);
	const log = await v.page.evaluate(() => [...document.querySelectorAll('.scans li')].map((l) => l.textContent));

	same(let_in.filter(({ user }) => !log.some((l) => l.endsWith(` ${user.name}`))), [], 'the log of the door');
	found.push(...await clean(v, 'door'));
	await v.go(`/e/${event.slug}/gates`);
	same((await v.page.evaluate(() => [...document.querySelectorAll('.person strong')].map((s) => s.textContent))).sort(), [...names].sort(), 'links of the door');
	found.push(...await clean(v, 'gates'));
}

async function profile(v, who, found) {
	const bios = pack(texts, 2000).map((s) => s.replace(/\r\n?/g, '\n')), places = pack(lines, 480);

	for (const [i, bio] of bios.entries()) {
		const sent = { bio, location: nth(places, i) };

		await api('PATCH', '/api/users/profile', sent, who.token);
		await v.go('/me/profile');
		same(await v.typed('bio', 'location'), [bio, sent.location], `profile ${i}`);
		found.push(...await clean(v, 'profile'));
	}
}

// What browsers call themselves is theirs to choose.
async function signIns(v, who, found) {
	const agents = pack(lines.filter((s) => /^[ -~]*$/.test(s)), 200).filter((s) => /[<"']/.test(s)).slice(0, 6);

	for (const agent of agents)
		await fetch(`${URL_OF}/auth/login`, { method: 'POST', body: JSON.stringify({ email: who.email, password: PASSWORD }),
			headers: { 'Content-Type': 'application/json', 'User-Agent': agent } });
	await v.go('/me/sessions');
	const shown = await v.page.evaluate(() => [...document.querySelectorAll('tbody td[title]')].map((c) => c.title));

	same(agents.filter((a) => !shown.includes(a.trim())), [], 'names of browsers');
	found.push(...await clean(v, 'sessions'));
}

// One category, named and described anew each time.
async function category(v, found) {
	const slug = unique('c').slice(0, 40);
	// browsers count characters as UTF-16 does
	const sharp = (most) => pack(lines, most).filter((l) => /[<"'&]/.test(l) && l.length <= most);
	const names = sharp(44).slice(0, LONG ? 1000 : 12).map((n) => `${n} ${unique('')}`), notes = sharp(300);

	await v.go('/admin/categories');
	await v.type({ slug });
	for (const [i, name] of names.entries()) {
		await v.type({ name, description: nth(notes, i), color: '#123456', is_active: 'false' });
		await v.press('Save');
		const row = await v.page.evaluate((s) => [...document.querySelectorAll(`tr:has(a[href*="edit=${s}#"]) td`)].map((c) => c.textContent), slug);

		same([row[0], row[2]], [name, nth(notes, i)], `category ${i}`);
		await v.go(`/admin/categories?edit=${slug}`);
		same(await v.typed('name', 'description'), [name, nth(notes, i)], `form of category ${i}`);
		found.push(...await clean(v, 'categories'));
	}
}

async function everything(b) {
	const found = [], host = await newcomer(pack(lines.filter((s) => s.includes('<script>')), 100)[0]), start = Date.UTC(new Date().getUTCFullYear() + 2, 4, 2, 12);
	const tabs = await Promise.all(Array.from({ length: TABS }, () => Visitor.enter(b)));
	const own = await Promise.all(Array.from({ length: TABS }, async () => (await Visitor.enter(b)).signIn(host.email)));
	const staff = await (await Visitor.enter(b)).signIn(ADMIN), events = await makeEvents(host.token, start);
	const crowd = await api('POST', '/api/events', { title: 'Crowd', start_date: new Date(Date.now() + 3600e3).toISOString(), max_attendees: 200 }, await tokenOf(ADMIN));

	await part('control', () => control(b, events));
	await part('lists', () => lists(own[0], host, events, start, found));
	await part('forms', () => forms(own, LONG ? events : events.slice(0, 40), found));
	await part('tickets', () => tickets(own[0], host, events.slice(0, 10), found));
	await part('audit', async () => {
		const shown = await rows(staff, `/admin/audit?actor=${host.id}&limit=100`, readAudit, found);

		same(differing(shown, new Map(events.map((e) => [e.id, e]))), [], 'the log of changes');
		expect(shown.length >= events.length, `the log of changes shows ${shown.length}`);
	});
	const reasons = new Map(pack(texts, 1000).map((s, i) => [events[i].id, s]));

	await each([...reasons], [1, 2], ([id, reason]) => api('POST', `/api/events/${id}/cancel`, { reason }, host.token));
	await part('events', () => eventPages(tabs, events, reasons, found));
	await part('people', () => people(staff, staff, crowd, found));
	await part('door', async () => door(staff, { token: await tokenOf(ADMIN) }, crowd, found));
	await part('profile', () => profile(own[0], host, found));
	await part('sign-ins', () => signIns(own[0], host, found));
	await part('category', () => category(staff, found));
	same(found, [], 'no element, script, dialog or report that is not ours');
}

if (strings.length) {
	const b = await browser();

	await part('text', () => everything(b));
	await b.close();
} else {
	skip(`naughty strings: no ${FILE}`);
}
finish('test_text');
