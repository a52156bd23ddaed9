/* static/site.js - the reader's own time beside that of the event, where clocks differ; pages lack nothing
 * without it */
"use strict";
for (const time of document.querySelectorAll("time[data-zone]")) {
	const at = new Date(time.dateTime), lang = document.documentElement.lang;
	const shown = (zone, form) => at.toLocaleString(lang, { ...form, hourCycle: "h23", timeZone: zone });
	const hours = { hour: "2-digit", minute: "2-digit" }, day = { weekday: "long", day: "numeric", month: "long" };
	const there = time.dataset.zone, other = shown(undefined, day) !== shown(there, day);
	if (!other && shown(undefined, hours) === shown(there, hours))
		continue;
	const beside = document.createElement("span");
	beside.className = "quiet local";
	beside.textContent = ` · ${shown(undefined, other ? { ...day, ...hours } : hours)} ${time.dataset.label}`;
	time.parentNode.insertBefore(beside, time.nextElementSibling.nextSibling);
}
