/* src/core/config_print.c - sample file, manual and list, all from the option table */
#include "core/config_priv.h"

static struct str prefix_of(const struct cfg_row *row)
{
	struct str rest;

	return str_cut(str_of(row->name), '.', &rest);
}

static bool begins_group(const struct cfg_row *row)
{
	return row == cfg_rows || !str_eq(prefix_of(row), prefix_of(row - 1));
}

static bool ends_group(const struct cfg_row *row)
{
	return !row[1].name || begins_group(row + 1);
}

void config_print_sample(FILE *out)
{
	char accepts[160];

	fputs("# marquee.conf - every option with its default.\n"
	      "# Remove the first # of a line to change it.\n"
	      "# Environment: MARQUEE_DB_DSN for db.dsn; MARQUEE_DB_DSN_FILE names a file that\n"
	      "# holds the value.\n", out);
	for (const struct cfg_row *row = cfg_rows; row->name; row++) {
		struct str prefix = prefix_of(row);

		if (begins_group(row))
			fprintf(out, "\n# ---- %.*s ----\n", (int)prefix.n, prefix.p);
		fprintf(out, "\n# %s\n# (%s%s)\n#%s =%s%s\n", row->text,
			config_accepts(row, accepts, sizeof(accepts)),
			row->flags & CFG_RELOAD ? "; taken over by a reload" : "", row->name,
			row->def[0] ? " " : "", row->def);
	}
}

/* Backslashes are roff's; a leading dot or quote would be a request; sentences begin lines. */
static void put_roff(FILE *out, const char *s)
{
	fputs(*s == '.' || *s == '\'' ? "\\&" : "", out);
	for (const char *first = s; *s; s++)
		if (*s == '\\')
			fputs("\\e", out);
		else
			fputc(*s == ' ' && s > first && s[-1] == '.' ? '\n' : *s, out);
}

static void put_man_item(FILE *out, const struct cfg_row *row)
{
	char accepts[160];

	fprintf(out, ".It Cm %s\n", row->name);
	put_roff(out, row->text);
	fprintf(out, "\nAccepts %s", config_accepts(row, accepts, sizeof(accepts)));
	if (row->def[0])
		fprintf(out, "; default\n.Ql %s .\n", row->def);
	else
		fputs("; empty by default.\n", out);
	if (row->flags & CFG_RELOAD)
		fputs("Taken over by a reload.\n", out);
	if (row->flags & CFG_SECRET)
		fputs("Never shown in lists.\n", out);
}

void config_print_man(FILE *out)
{
	for (const struct cfg_row *row = cfg_rows; row->name; row++) {
		struct str prefix = prefix_of(row);

		if (begins_group(row))
			fprintf(out, ".Ss %.*s\n.Bl -tag -width Ds\n", (int)prefix.n, prefix.p);
		put_man_item(out, row);
		if (ends_group(row))
			fputs(".El\n", out);
	}
}

void config_print_list(const struct config *cfg, FILE *out)
{
	char buf[64];

	for (const struct cfg_row *row = cfg_rows; row->name; row++) {
		const char *value = config_value(cfg, row, buf, sizeof(buf));

		fprintf(out, "%s =%s%s\n", row->name, value[0] ? " " : "", value);
	}
}
