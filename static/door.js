/* static/door.js - the door without loading pages anew: forms go by fetch and what changed is taken out
 * of the page that comes back; where the browser reads codes itself, with the camera, too. Without this
 * file everything works, one page after the other. */
(function () {
	'use strict';
	const door = document.getElementById('door');
	const parts = ['outcome', 'entry', 'found', 'counts', 'scans'];
	if (!door || !window.fetch || !window.DOMParser)
		return;

	function say(text) {
		const p = document.createElement('p');
		p.className = 'banner bad';
		p.textContent = text;
		document.getElementById('outcome').replaceChildren(p);
	}

	function take(html) {
		const page = new DOMParser().parseFromString(html, 'text/html');
		if (!page.getElementById('door'))
			return false;
		for (const id of parts)
			document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
		document.title = page.title;
		const field = document.getElementById('code');
		field.focus();
		field.select();
		return true;
	}

	/* A form keeps its nonce until the answer is there: sent again, it is the same scan. */
	let busy = false;
	async function send(form) {
		if (busy)
			return;
		busy = true;
		try {
			const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
			if (!take(await answer.text()))
				window.location.reload();
		} catch (lost) {
			say(door.dataset.lost);
		}
		busy = false;
	}
	door.addEventListener('submit', function (event) {
		event.preventDefault();
		send(event.target);
	});

	/* ---- the camera ---- */
	const camera = document.getElementById('camera');
	if (!('BarcodeDetector' in window) || !navigator.mediaDevices || !navigator.mediaDevices.getUserMedia)
		return;
	const button = camera.querySelector('button');
	const video = camera.querySelector('video');
	let detector = null, last = '', seen = 0, timer = 0;
	camera.hidden = false;

	/* The same code in front of the camera is one scan until it has been away for three seconds. */
	async function look() {
		try {
			const codes = busy ? [] : await detector.detect(video);
			if (codes.length) {
				const text = codes[0].rawValue, fresh = text !== last || Date.now() - seen > 3000;
				last = text;
				seen = Date.now();
				if (fresh && text) {
					const field = document.getElementById('code');
					field.value = text.slice(0, 500);
					await send(field.form);
					if (navigator.vibrate)
						navigator.vibrate(document.querySelector('.outcome.good') ? 80 : [80, 80, 80]);
				}
			}
		} catch (blind) { /* no picture yet */ }
		if (video.srcObject)
			timer = setTimeout(look, 200);
	}

	function stop() {
		clearTimeout(timer);
		if (video.srcObject)
			video.srcObject.getTracks().forEach(function (t) { t.stop(); });
		video.srcObject = null;
		video.hidden = true;
		button.setAttribute('aria-pressed', 'false');
	}

	button.addEventListener('click', async function () {
		if (video.srcObject)
			return stop();
		try {
			detector = detector || new window.BarcodeDetector({ formats: ['qr_code'] });
			video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
			video.hidden = false;
			await video.play();
			button.setAttribute('aria-pressed', 'true');
			look();
		} catch (refused) {
			stop();
		}
	});
})();
