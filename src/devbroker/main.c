/* src/devbroker/main.c - a Kafka broker for development and tests: librdkafka's mock cluster.
 *
 *   devbroker [-b BROKERS] ADDRESS-FILE [CONTROL-SOCKET]
 *   devbroker -s COMMAND CONTROL-SOCKET
 *
 * It listens on a loopback port of the kernel's choice, writes host:port to ADDRESS-FILE and stays
 * until SIGTERM. The control socket (datagrams) takes one command each:
 *   down            refuse and drop every connection
 *   up              accept again
 *   rtt MS          answer MS milliseconds late
 *   error CODE [N]  fail the next N (default 1) produce requests with this Kafka error code; -195
 *                   drops the connection instead
 * The mock checks no sequence numbers, so after an error code librdkafka may take a message for
 * delivered that a real broker would have refused: where nothing may be lost, use -195. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

enum { PARTITIONS = 4, PRODUCE_REQUEST = 0, ALL_BROKERS = -1, MAX_ERRORS = 1000 };

static const char *const topics[] = { "events", "notifications", "users", "friendships", NULL };

static void die(const char *what)
{
	fprintf(stderr, "devbroker: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int control_socket(const char *path, struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	memset(at, 0, sizeof(*at));
	at->sun_family = AF_UNIX;
	if ((size_t)snprintf(at->sun_path, sizeof(at->sun_path), "%s", path) >=
	    sizeof(at->sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	return fd;
}

static int control_listen(const char *path)
{
	struct sockaddr_un at;
	int fd = control_socket(path, &at);

	unlink(path);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die(path);
	return fd;
}

static int control_send(const char *command, const char *path)
{
	struct sockaddr_un at;
	int fd = control_socket(path, &at);
	ssize_t n = sendto(fd, command, strlen(command), 0, (struct sockaddr *)&at, sizeof(at));

	if (n < 0)
		die(path);
	close(fd);
	return 0;
}

/* Clients must never see half an address: written beside, renamed into place. */
static void write_address(const char *path, const char *address)
{
	char tmp[4096];
	FILE *f;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= sizeof(tmp)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	f = fopen(tmp, "we");
	if (!f || fprintf(f, "%s\n", address) < 0 || fclose(f) != 0 || rename(tmp, path) != 0)
		die(path);
}

static void push_errors(rd_kafka_mock_cluster_t *cluster, long code, long times)
{
	rd_kafka_resp_err_t errors[MAX_ERRORS];
	size_t n = times < 1 ? 1 : times > MAX_ERRORS ? MAX_ERRORS : (size_t)times;

	for (size_t i = 0; i < n; i++)
		errors[i] = (rd_kafka_resp_err_t)code;
	rd_kafka_mock_push_request_errors_array(cluster, PRODUCE_REQUEST, n, errors);
}

static void obey(rd_kafka_mock_cluster_t *cluster, const char *command)
{
	char word[16] = "";
	long a = 0, b = 1;

	/* bounded by its widths; a number that is missing keeps its default */
	sscanf(command, "%15s %9ld %9ld", word, &a, &b);
	if (strcmp(word, "down") == 0)
		rd_kafka_mock_broker_set_down(cluster, ALL_BROKERS);
	else if (strcmp(word, "up") == 0)
		rd_kafka_mock_broker_set_up(cluster, ALL_BROKERS);
	else if (strcmp(word, "rtt") == 0)
		rd_kafka_mock_broker_set_rtt(cluster, ALL_BROKERS, (int)a);
	else if (strcmp(word, "error") == 0)
		push_errors(cluster, a, b);
	else
		fprintf(stderr, "devbroker: unknown command '%s'\n", word);
	printf("%s\n", command);
	fflush(stdout);
}

static rd_kafka_mock_cluster_t *cluster_start(int brokers)
{
	char why[512];
	rd_kafka_mock_cluster_t *cluster;
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));

	if (!rk) {
		fprintf(stderr, "devbroker: %s\n", why);
		exit(1);
	}
	cluster = rd_kafka_mock_cluster_new(rk, brokers);
	if (!cluster) {
		fprintf(stderr, "devbroker: no mock cluster\n");
		exit(1);
	}
	for (const char *const *t = topics; *t; t++)
		rd_kafka_mock_topic_create(cluster, *t, PARTITIONS, 1);
	return cluster;
}

static void serve(rd_kafka_mock_cluster_t *cluster, int control, int signals)
{
	struct pollfd fds[2] = { { .fd = signals, .events = POLLIN },
				 { .fd = control, .events = POLLIN } };

	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		char command[64];
		ssize_t n;

		if (fds[0].revents)
			return;
		if (!(fds[1].revents & POLLIN))
			continue;
		n = recv(control, command, sizeof(command) - 1, 0);
		if (n <= 0)
			continue;
		command[n] = '\0';
		obey(cluster, command);
	}
}

int main(int argc, char **argv)
{
	const char *command = NULL;
	int brokers = 1, control = -1, opt, signals;
	rd_kafka_mock_cluster_t *cluster;
	rd_kafka_t *rk;
	sigset_t stop;

	while ((opt = getopt(argc, argv, "b:s:")) != -1) {
		if (opt == 'b')
			brokers = (int)strtol(optarg, NULL, 10);
		else if (opt == 's')
			command = optarg;
		else
			return 64;
	}
	if (optind >= argc || brokers < 1) {
		fprintf(stderr, "usage: devbroker [-b BROKERS] ADDRESS-FILE [CONTROL-SOCKET]\n"
				"       devbroker -s COMMAND CONTROL-SOCKET\n");
		return 64;
	}
	if (command)
		return control_send(command, argv[optind]);

	/* blocked before librdkafka makes its threads, which inherit the mask */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	signals = signalfd(-1, &stop, SFD_CLOEXEC);
	cluster = cluster_start(brokers);
	rk = rd_kafka_mock_cluster_handle(cluster);
	if (optind + 1 < argc)
		control = control_listen(argv[optind + 1]);
	write_address(argv[optind], rd_kafka_mock_cluster_bootstraps(cluster));
	serve(cluster, control, signals);
	unlink(argv[optind]);
	if (control >= 0)
		unlink(argv[optind + 1]);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(rk);
	return 0;
}
