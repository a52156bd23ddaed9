/* core/fault.h - named places where a test can make a process die, stop or wait.
 *
 * Only a build of ./configure --enable-faults has them; elsewhere the compiler checks the name and
 * leaves no code. There MARQUEE_TEST_FAULTS names a folder. A point acts when that folder holds a
 * file of its name, whose one line says
 *
 *	ACTION [NTH [PID]]	kill | stop | abort | sleep:MILLISECONDS
 *
 * NTH (1 if not given) is the hit that acts, counted over all processes, or with a PID over hits of
 * that one. The hit that acts writes "PID ACTION" into the file and renames it to NAME.acted before
 * anything else, so that exactly one process acts, once. */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

/* fault.c has their names and what they mean. */
enum fault {
	FAULT_DB_BEFORE,
	FAULT_DB_SENT,
	FAULT_DB_DONE,
	FAULT_HTTP_REPLY,
	FAULT_HTTP_BODY,
	FAULT_RELAY_PRODUCED,
	FAULT_RELAY_ACKED,
	FAULT_COUNT
};

/* FAULT(HTTP_REPLY); FAULT_OF(DB_SENT, "RSVP_SET/keyed"): the file's name ends in .RSVP_SET. */
#ifdef MARQUEE_FAULTS
#define FAULT(point) fault_at(FAULT_##point, NULL)
#define FAULT_OF(point, what) fault_at(FAULT_##point, (what))
void fault_at(enum fault point, const char *what);
#else
#define FAULT(point) ((void)FAULT_##point)
#define FAULT_OF(point, what) ((void)FAULT_##point, (void)sizeof(what))
#endif

#endif
