/* src/web/words.c - the texts of each language, and how it writes days and hours */
#include "web/words.h"

#include "core/json.h"
#include "web/view.h"

#include <stdio.h>
#include <strings.h>

#define LANGUAGES_MAX ((size_t)4 << 20)

static struct words languages[] = { { "en", NULL }, { "de", NULL } };
static struct arena *arena;

static int line_at(struct str text, size_t at)
{
	int line = 1;

	for (size_t i = 0; i < at && i < text.n; i++)
		line += text.p[i] == '\n';
	return line;
}

static struct json_object *read_texts(struct arena *a, const char *path, char *why, size_t n)
{
	struct str text = view_file(a, path, why, n);
	const char *wrong;
	size_t at = 0;

	if (!text.p)
		return NULL;
	wrong = js_scan(text, &at);
	if (wrong)
		snprintf(why, n, "%s:%d: %s", path, line_at(text, at), wrong);
	return wrong ? NULL : js_own(a, text.p);
}

bool words_open(const char *folder, char *why, size_t n)
{
	struct arena *fresh = arena_new(LANGUAGES_MAX);
	struct json_object *t[COUNT(languages)];

	for (size_t i = 0; i < COUNT(languages); i++) {
		t[i] = read_texts(fresh, arena_printf(fresh, "%s/lang/%s.json", folder,
						      languages[i].lang), why, n);
		if (!t[i]) {
			arena_free(fresh);
			return false;
		}
	}
	words_close();
	for (size_t i = 0; i < COUNT(languages); i++)
		languages[i].t = t[i];
	arena = fresh;
	return true;
}

void words_close(void)
{
	for (size_t i = 0; i < COUNT(languages); i++)
		languages[i].t = NULL;
	if (arena)
		arena_free(arena);
	arena = NULL;
}

const struct words *words_of(struct str tag)
{
	for (size_t i = 0; i < COUNT(languages); i++)
		if (tag.n >= 2 && strncasecmp(tag.p, languages[i].lang, 2) == 0)
			return &languages[i];
	return NULL;
}

const struct words *words_default(void)
{
	return &languages[0];
}

const char *words_nth(const struct words *w, const char *list, int i)
{
	struct json_object *a;

	if (!json_object_object_get_ex(w->t, list, &a))
		return "";
	return json_object_get_string(json_object_array_get_idx(a, (size_t)i));
}

const char *words_day(struct arena *a, const struct words *w, const struct tm *day)
{
	return arena_printf(a, "%s %d%s %s %d", words_nth(w, "days", day->tm_wday),
			    day->tm_mday, js_str(w->t, "day_dot"),
			    words_nth(w, "months", day->tm_mon), day->tm_year + 1900);
}

const char *words_hours(struct arena *a, const struct words *w, const struct tm *from,
			const struct tm *to)
{
	const char *day = "";

	if (!to)
		return arena_printf(a, "%02d:%02d", from->tm_hour, from->tm_min);
	if (from->tm_year != to->tm_year || from->tm_yday != to->tm_yday)
		day = arena_printf(a, "%s, ", words_day(a, w, to));
	return arena_printf(a, "%02d:%02d – %s%02d:%02d", from->tm_hour, from->tm_min, day,
			    to->tm_hour, to->tm_min);
}

const char *words_when(struct arena *a, const struct words *w, const struct tm *from,
		       const struct tm *to)
{
	return arena_printf(a, "%s, %s", words_day(a, w, from), words_hours(a, w, from, to));
}
