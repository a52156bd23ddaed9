/* src/web/page.h - server-rendered pages: templates, languages, error pages */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include "web/route.h"

#include <json-c/json.h>

/* Compiles the templates and reads the languages below cfg->site_templates, before the first
 * request and again between two, when they have changed. False: why says what is wrong, with file
 * and line, and what was there before stays. */
bool page_open(const struct config *cfg, char *why, size_t n);
void page_close(void);

/* Is the answer to be a page? Where there is no such address, whoever asks for HTML gets one. */
bool page_wanted(const struct req *rq);

/* What every template may use: t (the texts of the reader's language), lang, path, version,
 * request_id; user and form_key of who is signed in. Belongs to the arena; the page's own members
 * are added to it. */
struct json_object *page_data(struct req *rq);
/* Answers with that template; 304 when the reader has the same page already. */
enum err page_reply(struct req *rq, int status, const char *name,
		    struct json_object *data) MUST_CHECK;
/* The same in two steps, for a page that is kept: its text, and the answer. */
enum err page_make(struct req *rq, const char *name, struct json_object *data,
		   struct str *out) MUST_CHECK;
enum err page_send(struct req *rq, int status, struct str page) MUST_CHECK;
/* The name of this address's page in the reader's language, of a page of which nothing depends on
 * the reader but that. */
const char *page_name(const struct req *rq);
/* One of the texts; in answers that are no pages the first language's. NULL: there is none. */
const char *page_text(const struct req *rq, const char *name);
const char *page_text_at(const struct req *rq, const char *list, int i);
/* What went wrong, an English sentence, in the reader's language, which knows it under reasons,
 * with # in the place of its first number; itself where there is no such text. */
const char *page_reason(const struct req *rq, const char *reason);
/* 303: see there. */
enum err page_redirect(struct req *rq, const char *path) MUST_CHECK;
/* The recorded error for a form that is shown again: error (a sentence), wrong {field: reason}. */
void page_add_errors(struct req *rq, struct json_object *o);
/* The answer to the request's recorded error, as a page. */
void page_error(struct req *rq);

/* An address with the filters of this request, but those whose names stand in skip; with that
 * cursor unless it is NULL. */
const char *page_query(struct req *rq, const char *path, const char *skip, const char *cursor);
/* A filter as it was sent: lists are one text. */
struct str page_value_text(struct arena *a, struct json_object *v);

/* "Thu 21 May 2026, 19:00 – 21:00" in the reader's language, by the clocks of that zone; end may be
 * NULL. Instants as the API has them. */
const char *page_when(struct req *rq, const char *start, const char *end, const char *zone);
/* The day alone; the hours alone, with the day of the end where that is another. */
const char *page_day(struct req *rq, const char *start, const char *zone);
const char *page_hours(struct req *rq, const char *start, const char *end, const char *zone);

#endif
