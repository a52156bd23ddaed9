/* src/web/words.h - the texts of each language, and how it writes days and hours */
#ifndef WEB_WORDS_H
#define WEB_WORDS_H

#include "core/arena.h"
#include "core/str.h"

#include <json-c/json.h>
#include <time.h>

struct words {
	const char *lang;
	struct json_object *t;	/* templates/lang/<lang>.json */
};

/* Reads all languages below folder, in the place of those before, which nobody may use any more.
 * False: why says what is wrong, with file and line, and those before stay. */
bool words_open(const char *folder, char *why, size_t n);
void words_close(void);

/* The language of a tag like "de-AT"; NULL: there is none such. */
const struct words *words_of(struct str tag);
const struct words *words_default(void);

/* One of a list of texts. */
const char *words_nth(const struct words *w, const char *list, int i);
/* "Thursday 21 May 2026" */
const char *words_day(struct arena *a, const struct words *w, const struct tm *day);
/* "19:00 – 21:00", with the day of the end where that is another; to may be NULL. */
const char *words_hours(struct arena *a, const struct words *w, const struct tm *from,
			const struct tm *to);
/* Both. */
const char *words_when(struct arena *a, const struct words *w, const struct tm *from,
		       const struct tm *to);

#endif
