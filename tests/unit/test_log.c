/* tests/unit/test_log.c - JSON lines, whatever is put in, and never waiting for the reader */
#include "core/json.h"
#include "core/log.h"
#include "t.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[] = "/tmp/t_log_XXXXXX";
static char text[256 * 1024];
static struct arena *arena;

static bool make_file(void)
{
	int fd = mkstemp(path);

	arena = arena_new(16 << 20);
	return fd >= 0 && close(fd) == 0;
}

static void drop_file(void)
{
	if (log_open("", LOG_INFO_, "test") != OK)
		abort();
	unlink(path);
	arena_free(arena);
}

static void open_empty(enum log_level level)
{
	T_REQUIRE(truncate(path, 0) == 0);
	T_REQUIRE(log_open(path, level, "test") == OK);
}

static const char *written(void)
{
	FILE *in = fopen(path, "re");
	size_t n = in ? fread(text, 1, sizeof(text) - 1, in) : 0;

	if (in)
		fclose(in);
	text[n] = '\0';
	return text;
}

static unsigned lines(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

/* The only line of the file, parsed. */
static struct json_object *the_line(void)
{
	const char *s = written();
	size_t at;

	T_EQ_INT(lines(s), 1);
	T_NULL(js_scan(str_of(s), &at));
	return js_own(arena, s);
}

static void lines_have_the_members(void)
{
	open_empty(LOG_INFO_);
	log_pairs(LOG_WARN_, "hello", "a", "1", "left_out", NULL, "b", "x\"y\n", (char *)NULL);
	struct json_object *o = the_line();
	T_EQ_STR(js_str(o, "level"), "warn");
	T_EQ_STR(js_str(o, "program"), "test");
	T_EQ_STR(js_str(o, "msg"), "hello");
	T_EQ_STR(js_str(o, "a"), "1");
	T_EQ_STR(js_str(o, "b"), "x\"y\n");
	T_FALSE(js_has(o, "left_out"));
	T_TRUE(js_has(o, "pid") && js_has(o, "time"));
}

static void hostile_values_stay_one_json_line(void)
{
	open_empty(LOG_INFO_);
	log_pairs(LOG_INFO_, "\xFF\n{\"", "k\n", "a\x80\xC3(\xED\xA0\x80\x01", (char *)NULL);
	struct json_object *o = the_line();
	T_EQ_STR(js_str(o, "msg"), "\xEF\xBF\xBD\n{\"");
	T_EQ_STR(js_str(o, "k\n"),
		 "a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x01");
}

static void long_lines_are_cut_but_stay_json(void)
{
	char *big = malloc(10001);

	memset(big, '\n', 10000);
	big[10000] = '\0';
	for (size_t n = 0; n < 9000; n += 173) {
		open_empty(LOG_INFO_);
		log_pairs(LOG_INFO_, "m", "one", big + n, "two", big, "three", big, (char *)NULL);
		struct json_object *o = the_line();
		T_EQ_STR(js_str(o, "msg"), "m");
		T_TRUE(strlen(text) <= 4096);
	}
	open_empty(LOG_INFO_);
	memset(big, 'x', 10000);
	log_buffered(LOG_INFO_, "m", big);
	log_flush(0);
	T_TRUE(js_has(the_line(), "cut"));
	free(big);
}

static void levels_filter(void)
{
	open_empty(LOG_WARN_);
	log_msg(LOG_INFO_, "no");
	log_buffered(LOG_DEBUG_, "no", "");
	log_flush(0);
	T_EQ_STR(written(), "");
	T_FALSE(log_enabled(LOG_INFO_));
	T_TRUE(log_enabled(LOG_ERROR_));
	T_EQ_INT(log_level_parse("debug"), LOG_DEBUG_);
	T_EQ_INT(log_level_parse("error"), LOG_ERROR_);
	T_EQ_INT(log_level_parse("loud"), LOG_INFO_);
	T_EQ_INT(log_level_parse(NULL), LOG_INFO_);
}

static void request_lines_wait_in_order(void)
{
	open_empty(LOG_INFO_);
	log_buffered(LOG_INFO_, "first", "\"status\":200,\"ms\":1.5");
	T_EQ_STR(written(), "");
	log_flush(60000);
	T_EQ_STR(written(), "");
	log_msg(LOG_INFO_, "second %d", 2);
	const char *first = strstr(written(), "\"msg\":\"first\",\"status\":200,\"ms\":1.5}");
	const char *second = strstr(text, "\"msg\":\"second 2\"");
	T_TRUE(first && second && first < second);
	log_buffered(LOG_INFO_, "third", NULL);
	log_flush(0);
	T_EQ_INT(lines(written()), 3);
}

static void a_full_buffer_writes_itself(void)
{
	open_empty(LOG_INFO_);
	for (int i = 0; i < 1000; i++)
		log_buffered(LOG_INFO_, "request", "\"status\":200");
	T_TRUE(lines(written()) > 500);
	log_flush(0);
	T_EQ_INT(lines(written()), 1000);
}

static void a_forked_child_does_not_repeat_lines(void)
{
	open_empty(LOG_INFO_);
	log_buffered(LOG_INFO_, "parent", "");
	pid_t child = fork();
	if (child == 0) {
		log_flush(0);
		log_msg(LOG_INFO_, "child");
		_exit(0);
	}
	waitpid(child, NULL, 0);
	log_flush(0);
	T_EQ_INT(lines(written()), 2);
	T_HAS(text, "\"child\"");
	T_HAS(text, "\"parent\"");
}

static void reopening_follows_the_name(void)
{
	char moved[64];

	open_empty(LOG_INFO_);
	snprintf(moved, sizeof(moved), "%s.1", path);
	T_REQUIRE(rename(path, moved) == 0);
	log_msg(LOG_INFO_, "old file");
	log_reopen();
	log_msg(LOG_INFO_, "new file");
	T_HAS(written(), "new file");
	T_NULL(strstr(text, "old file"));
	unlink(moved);
}

static void a_path_that_cannot_be_opened_is_an_error(void)
{
	open_empty(LOG_INFO_);
	T_EQ_INT(log_open("/nonexistent/dir/x.log", LOG_INFO_, "test"), E_UNAVAIL);
	log_msg(LOG_INFO_, "the old sink stays");
	T_HAS(written(), "the old sink stays");
}

/* A pipe whose reader sleeps: lines are dropped and counted, the writer goes on. */
static void a_stuck_reader_does_not_stop_us(void)
{
	int fds[2], saved = dup(STDERR_FILENO);
	char got[4096];
	ssize_t n;

	T_REQUIRE(pipe(fds) == 0 && saved >= 0);
	T_REQUIRE(dup2(fds[1], STDERR_FILENO) >= 0);
	T_REQUIRE(log_open("", LOG_INFO_, "test") == OK);
	for (int i = 0; i < 3000; i++)
		log_msg(LOG_INFO_, "line %d of many that nobody reads for now", i);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	while (read(fds[0], got, sizeof(got)) > 0)
		;
	log_msg(LOG_INFO_, "after");
	size_t all = 0;
	while (all < sizeof(got) - 1 && (n = read(fds[0], got + all, sizeof(got) - 1 - all)) > 0)
		all += (size_t)n;
	got[all] = '\0';
	dup2(saved, STDERR_FILENO);
	T_HAS(got, "log lines were dropped");
	T_HAS(got, "\"after\"");
	close(saved);
	close(fds[0]);
	close(fds[1]);
}

T_SUITE_WITH("log", make_file, drop_file, T(lines_have_the_members),
	     T(hostile_values_stay_one_json_line), T(long_lines_are_cut_but_stay_json),
	     T(levels_filter), T(request_lines_wait_in_order), T(a_full_buffer_writes_itself),
	     T(a_forked_child_does_not_repeat_lines), T(reopening_follows_the_name),
	     T(a_path_that_cannot_be_opened_is_an_error), T(a_stuck_reader_does_not_stop_us))
