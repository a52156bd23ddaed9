// tests/browser/test_walks.mjs - staff and visitors on their way through the site, with scripts and without:
// what they see at each step, and what the API says of it
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ADMIN, PASSWORD, Visitor, api, ask, browser, finish, newcomer, part, same, skip, tokenOf, unique } from './site.mjs';

const folder = mkdtempSync(`${tmpdir()}/marquee-walks.`);

const ZONE = 'Asia/Tokyo'; // no hour is repeated there in autumn

// What a field for date and time holds: the clocks there, so many hours from now.
function clocks(zone, hours) {
	const at = new Date(Math.ceil(Date.now() / 3600e3) * 3600e3 + hours * 3600e3);
	const text = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' }).format(at);

	return { text: text.replace(' ', 'T'), instant: at.toISOString().replace('.000', '') };
}

const stored = (id, token) => api('GET', `/api/events/${id}?fresh=1`, undefined, token);
const counted = async (id, token) => (({ going, waitlist }) => [going, waitlist])((await stored(id, token)).stats);
const answerOf = async (id, who) => (await api('GET', `/api/events/${id}/rsvp`, undefined, who.token)).state;

// Step by step, each told by whom and how.
const teller = (who, js) => (got, want, what) => same(got, want, `${who} ${js ? 'with' : 'without'} scripts: ${what}`);

// ---- staff ----

async function createsADraft(v, tell, title) {
	const begins = clocks(ZONE, 3), ends = clocks(ZONE, 5);

	await v.go('/admin/');
	tell([v.answer.status(), await v.has('Please sign in first.')], [401, true], 'the desk asks who it is');
	await v.type({ email: ADMIN, password: 'another one' });
	await v.press('Sign in');
	tell([v.answer.status(), await v.typed('email'), await v.focused('[name=password]')], [401, [ADMIN], true], 'a wrong password is to be typed again');
	await v.type({ password: PASSWORD });
	await v.press('Sign in');
	tell([v.path(), await v.texts('h1')], ['/admin/', ['Overview']], 'and leads to where one wanted to go');
	await v.follow('Events');
	await v.follow('New event');
	await v.type({ title: 'No', description: 'one\n\ntwo "three" <b>', start_date: begins.text, end_date: clocks(ZONE, 2).text,
		timezone: ZONE, lat: '95', lng: '1', category: 'arts', tags: 'a, b\nc', max_attendees: '1', location: 'Hall 3' });
	await v.press('Create it');
	tell([v.answer.status(), await v.typed('title', 'description', 'start_date', 'lat', 'category', 'tags', 'location')],
	     [422, ['No', 'one\n\ntwo "three" <b>', begins.text, '95', 'arts', 'a, b\nc', 'Hall 3']], 'a form that fails comes back filled in');
	tell(await v.texts('.field.bad label'), ['Title *', 'Ends', 'Latitude'], 'messages stand beside the fields');
	tell(await v.focused('#f-title'), true, 'the first wrong one has the focus');
	tell((await v.texts('#m-title'))[0].startsWith('must have at least 3 characters'), true, 'and says why');
	await v.type({ title, end_date: ends.text, lat: '51.5' });
	await v.press('Create it');
	tell([await v.texts('[role=status]'), (await v.texts('h1'))[0]], [['The event is there.'], `${title} draft`], 'the draft is there');
	return { id: v.path().match(/[0-9a-f-]{36}/)[0], begins, ends };
}

async function losesTheSignIn(v, tell, id, token) {
	await v.type({ description: 'What took an hour to write: "it" <i>' });
	await v.context.clearCookies();
	await v.press('Look at the changes');
	tell([v.answer.status(), await v.has('What you have typed is kept.')], [401, true], 'a sign-in that is lost keeps what was typed');
	await v.type({ email: ADMIN, password: PASSWORD });
	await v.press('Sign in');
	await v.press('Back to the form');
	tell([await v.typed('description'), (await stored(id, token)).description],
	     [['What took an hour to write: "it" <i>'], 'one\n\ntwo "three" <b>'], 'it is in the form again, and nothing has happened by itself');
	await v.press('Look at the changes');
	tell([await v.texts('del'), await v.texts('ins')], [['one two "three" <b>'], ['What took an hour to write: "it" <i>']], 'what will change is shown');
	await v.press('Save the changes');
	tell([await v.texts('[role=status]'), (await stored(id, token)).description],
	     [['The changes are made.'], 'What took an hour to write: "it" <i>'], 'and then changes');
}

async function meetsAConflict(v, tell, id, token) {
	await v.type({ location: 'Hall 4' });
	await api('PATCH', `/api/events/${id}`, { location: 'Hall 5' }, token);
	await v.press('Look at the changes');
	tell([v.answer.status(), await v.texts('section[role=alert] tbody tr'), await v.typed('location')],
	     [412, ['Place Hall 5 Hall 4'], ['Hall 4']], 'who was slower sees both versions and keeps his');
	tell((await stored(id, token)).location, 'Hall 5', 'nothing is written over');
	await v.press('Look at the changes');
	await v.press('Save the changes');
	tell((await stored(id, token)).location, 'Hall 4', 'knowing both one may');
}

async function publishes(v, tell, id, token) {
	tell((await ask('GET', `/api/events/${id}`)).status, 404, 'nobody else sees a draft');
	await v.follow('Publish');
	await v.press('Publish');
	tell([await v.texts('[role=status]'), (await api('GET', `/api/events/${id}`)).status], [['The event is published.'], 'active'], 'published');
}

async function fills(v, tell, title, id) {
	const people = [];

	for (const name of ['First Comer', 'Second Comer', 'Third Comer']) {
		people.push(await newcomer(name));
		await api('POST', `/api/events/${id}/register`, undefined, people.at(-1).token);
	}
	await v.go(`/admin/events?find=${encodeURIComponent(title)}`);
	tell((await v.texts('tbody tr')).map((row) => row.replace(/.* published /, '')), ['1 / 1 full 2'], 'the list of events shows it full');
	await v.follow('1 / 1');
	tell(await v.texts('tbody td.long'), ['First Comer', people[0].email], 'who comes');
	await v.follow('Waiting list (2)');
	tell(await v.texts('tbody td:nth-child(-n+2)'), ['1', 'Second Comer', '2', 'Third Comer'], 'who waits, first come first served');
	return people;
}

// A scanner types what it reads and ends the line.
async function scans(v, text) {
	await v.focused('#code');
	await v.page.keyboard.type(text);
	await v.page.keyboard.press('Enter');
}

async function sees(v, word) {
	return v.page.locator('.outcome .word', { hasText: word }).waitFor().then(() => true, () => false);
}

const door = (v) => v.texts('.counts dd');

async function keepsTheDoor(v, tell, id, [first, second]) {
	const { code } = await api('GET', `/api/events/${id}/ticket`, undefined, first.token);

	await v.follow('Public page');
	await v.follow('Door');
	tell(await door(v), ['0', '1', '1'], 'nobody is in yet');
	await scans(v, code);
	tell([await sees(v, 'Welcome'), await v.texts('.outcome .name'), await door(v)], [true, ['First Comer'], ['1', '0', '1']], 'the ticket lets its holder in');
	tell(await answerOf(id, first), 'attended', 'who is in was there');
	await v.button('Undo').click();
	tell([await sees(v, 'Check-in taken back'), await door(v), await answerOf(id, first)], [true, ['0', '1', '1'], 'registered'], 'undone');
	await scans(v, code.toLowerCase().replaceAll('-', ''));
	tell([await sees(v, 'Welcome'), await door(v)], [true, ['1', '0', '1']], 'in again');
	await scans(v, code);
	tell([await sees(v, 'Already checked in'), await door(v)], [true, ['1', '0', '1']], 'a ticket admits once');
	await scans(v, code.slice(0, -1) + (code.endsWith('0') ? '1' : '0'));
	tell([await sees(v, 'Not a valid ticket'), await door(v)], [true, ['1', '0', '1']], 'a forged one not at all');
	await scans(v, 'second com');
	await v.page.locator('#found .person').waitFor();
	tell((await v.texts('#found .person p'))[0].startsWith(`Second Comer ${second.email}`), true, 'a name is looked for');
	await v.page.locator('#found').getByRole('button').click();
	tell([await sees(v, 'On the waiting list'), await answerOf(id, second)], [true, 'waitlisted'], 'who waits does not come in');
}

async function callsOff(v, tell, id) {
	await v.go(`/admin/events/${id}`);
	await v.follow('Call it off');
	await v.type({ reason: 'The hall is flooded.' });
	await v.press('Call it off');
	tell(await v.texts('[role=status]'), ['The event is called off; everybody concerned is being told.'], 'called off');
	tell((({ status, cancel_reason }) => [status, cancel_reason])(await stored(id)), ['cancelled', 'The hall is flooded.'], 'so says the API');
	await v.go(`/e/${id}`);
	tell(await v.texts('.banner.bad'), ['This event is cancelled: The hall is flooded.'], 'and the page');
	tell((await ask('POST', `/api/events/${id}/register`, undefined, (await newcomer('Too Late')).token)).error?.code, 'EVENT_CLOSED', 'nobody registers any more');
}

async function staff(b, js) {
	const v = await Visitor.enter(b, { javaScriptEnabled: js }), tell = teller('staff', js), title = unique('Walk ');
	const token = await tokenOf(ADMIN), { id, begins, ends } = await createsADraft(v, tell, title);
	const made = await stored(id, token);

	tell([made.title, made.start_date, made.end_date, made.tags, made.category, made.max_attendees, made.status],
	     [title, begins.instant, ends.instant, ['a, b', 'c'], 'arts', 1, 'draft'], 'as it was typed');
	await losesTheSignIn(v, tell, id, token);
	await meetsAConflict(v, tell, id, token);
	await publishes(v, tell, id, token);
	const people = await fills(v, tell, title, id);

	tell(await counted(id), [1, 2], 'one has the seat, two wait');
	await keepsTheDoor(v, tell, id, people);
	await callsOff(v, tell, id);
	tell(v.noticed, [], 'no page did what it may not');
	await v.close();
}

// ---- a visitor ----

async function findsIt(v, tell, word, title) {
	await v.go('/');
	await v.type({ q: word });
	await v.press('Show');
	tell([await v.texts('.card h3'), await v.typed('q')], [[title], [word]], 'the search box finds it, and it alone');
	await v.follow(title);
	tell([await v.texts('h1'), await v.has('0 / 1')], [[title], true], 'its page');
}

async function signsUp(v, tell, known) {
	const email = `${unique('v')}@example.org`;

	await v.follow('Sign in to say that you are coming');
	await v.follow('Create an account');
	await v.type({ name: 'Vera Visitor', email: known, password: PASSWORD });
	await v.press('Create an account');
	tell([v.answer.status(), await v.typed('name', 'email'), await v.focused('[name=email]')], [409, ['Vera Visitor', known], true],
	     'an address that is taken is to be typed again');
	await v.type({ name: '   ', email, password: PASSWORD });
	await v.press('Create an account');
	tell([v.answer.status(), await v.typed('email'), await v.texts('#wrong-name'), await v.focused('[name=name]')],
	     [422, [email], ['must not be empty'], true], 'a blank is no name');
	await v.type({ name: 'Vera Visitor', password: PASSWORD });
	await v.press('Create an account');
	tell([v.path().startsWith('/e/'), (await v.texts('.top a')).includes(email)], [true, true], 'signed up, and back at the event');
	return { email, token: await tokenOf(email) };
}

// As a scanner at the door reads it off the screen.
async function readOff(v) {
	const picture = `${folder}/code.png`;

	await v.page.locator('.qr').screenshot({ path: picture });
	try {
		return execFileSync('zbarimg', ['-q', '--raw', picture], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
	} catch (e) {
		if (e.code !== 'ENOENT')
			throw e;
		return null;
	}
}

async function getsTheTicket(v, tell, id, me) {
	await v.press('I am coming');
	tell([await v.has('You are going.'), await v.has('1 / 1'), await answerOf(id, me)], [true, true, 'registered'], 'registered');
	const { code } = await api('GET', `/api/events/${id}/ticket`, undefined, me.token);

	await v.follow('Ticket');
	tell([await v.texts('.code'), await v.texts('.facts dd:first-of-type')], [[code], ['Vera Visitor']], 'the ticket');
	const read = await readOff(v);

	if (read === null)
		skip('reading the ticket off the screen: no zbarimg here');
	else
		tell(read, code.replaceAll('-', ''), 'its picture says the same');
	await v.follow('Back to the event');
}

async function addsToCalendar(v, tell, event) {
	const [file] = await Promise.all([v.page.waitForEvent('download'), v.link('Add to calendar').click()]);
	const text = readFileSync(await file.path(), 'utf8').replace(/\r\n[ \t]/g, '');

	tell([file.suggestedFilename(), text.startsWith('BEGIN:VCALENDAR\r\n'), text.match(/^SUMMARY:(.*)\r$/m)[1], text.includes(event.id)],
	     [`${event.slug}.ics`, true, event.title, true], 'the calendar gets the event');
}

async function cancels(v, tell, id, me, waiting) {
	tell([await answerOf(id, waiting), await counted(id)], ['waitlisted', [1, 1]], 'somebody waits');
	await v.go(`/e/${id}`);
	await v.press('I am not coming');
	tell([await v.has('You are going.'), await v.has('1 / 1'), await answerOf(id, me)], [false, true, 'cancelled'], 'cancelled');
	tell([await answerOf(id, waiting), await counted(id)], ['registered', [1, 0]], 'the seat has gone to who waited');
	await v.press('I am coming');
	tell([await v.has('You are on the waiting list. Position: 1'), await answerOf(id, me)], [true, 'waitlisted'], 'who comes back waits');
	await v.go(`/e/${id}/ticket`);
	tell(v.answer.status(), 404, 'without a seat there is no ticket');
}

async function visitor(b, js) {
	const v = await Visitor.enter(b, { javaScriptEnabled: js, colorScheme: js ? 'dark' : 'light' }), tell = teller('visitor', js);
	const word = unique('grackle'), title = `Feeding a ${word}`, waiting = await newcomer('Who Waits');
	const event = await api('POST', '/api/events', { title, start_date: clocks('UTC', 50).instant, max_attendees: 1 }, await tokenOf(ADMIN));

	await findsIt(v, tell, word, title);
	const me = await signsUp(v, tell, waiting.email);

	await getsTheTicket(v, tell, event.id, me);
	await addsToCalendar(v, tell, event);
	await api('POST', `/api/events/${event.id}/register`, undefined, waiting.token);
	await cancels(v, tell, event.id, me, waiting);
	tell(v.noticed, [], 'no page did what it may not');
	await v.close();
}

const b = await browser();

for (const js of [true, false]) {
	await part(`staff, scripts ${js}`, () => staff(b, js));
	await part(`a visitor, scripts ${js}`, () => visitor(b, js));
}
await b.close();
rmSync(folder, { recursive: true });
finish('test_walks');
