/* src/web/words.c - the texts of each language, and how it writes days and hours */
#include "web/words.h"

#include "core/json.h"
#include "web/view.h"

#include <stdio.h>
#include <strings.h>

#define LANGUAGES_MAX ((size_t)4 << 20)

static struct words languages[] = { { "en", NULL }, { "de", NULL } };
static struct arena *arena;

static struct json_object *read_texts(const char *folder, const char *language, char *why,
				      size_t n)
{
	const char *path = arena_printf(arena, "%s/lang/%s.json", folder, language);
	struct str text = view_file(arena, path, why, n);
	struct json_object *o = text.p ? js_own(arena, text.p) : NULL;

	if (text.p && !o)
		snprintf(why, n, "%s: this is no JSON", path);
	return o;
}

bool words_open(const char *folder, char *why, size_t n)
{
	arena = arena_new(LANGUAGES_MAX);
	for (size_t i = 0; i < COUNT(languages); i++) {
		languages[i].t = read_texts(folder, languages[i].lang, why, n);
		if (!languages[i].t)
			return false;
	}
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
