/* src/web/qr.c - QR codes as pictures: libqrencode's modules as one path */
#include "web/qr.h"

#include "core/strbuf.h"
#include "web/place.h"

#include <qrencode.h>

#define QUIET 4 /* modules of margin (ISO/IEC 18004, 9.1) */
#define SVG_MAX (1 << 20)

static void put_escaped(struct strbuf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			strbuf_adds(b, "&lt;");
		else if (*s == '&')
			strbuf_adds(b, "&amp;");
		else
			strbuf_addc(b, *s);
	}
}

/* One rectangle for each run of black modules in a row. */
static void put_row(struct strbuf *b, const unsigned char *row, int width, int y)
{
	for (int x = 0, n; x < width; x += n) {
		for (n = 0; x + n < width && (row[x + n] & 1); n++)
			;
		if (n == 0)
			n = 1;
		else
			strbuf_printf(b, "M%d %dh%dv1h-%dz", x + QUIET, y + QUIET, n, n);
	}
}

enum err qr_svg(struct ctx *c, const char *text, const char *label, const char **svg)
{
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
	struct strbuf b;
	int side;

	if (!code)
		return fail(c, E_INTERNAL, "this does not fit into a QR code");
	side = code->width + 2 * QUIET;
	strbuf_init(&b, c->arena, SVG_MAX);
	strbuf_printf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
			  "role=\"img\" shape-rendering=\"crispEdges\"><title>", side, side);
	put_escaped(&b, label);
	strbuf_printf(&b, "</title><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path d=\"", side,
		      side);
	for (int y = 0; y < code->width; y++)
		put_row(&b, code->data + y * code->width, code->width, y);
	strbuf_adds(&b, "\"/></svg>");
	QRcode_free(code);
	*svg = strbuf_str(&b);
	return OK;
}

enum err qr_value(struct ctx *c, const char *text, const char *label, struct json_object **out)
{
	const char *svg;

	TRY(qr_svg(c, text, label, &svg));
	*out = place_html(str_of(svg));
	return OK;
}
