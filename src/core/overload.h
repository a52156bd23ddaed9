/* core/overload.h - is more coming in than the pool can do?
 *
 * After CoDel (RFC 8289): judged is how long the queue in front of the workers takes to be worked
 * off, and a burst is no overload. More than 16 who wait, for longer than `target_ms`, for half a
 * second on end, are one; then all are refused until it is over, so that who is refused is told at
 * once and who is served did not wait. For two seconds after that no patience is left. The state is
 * shared by the host. */
#ifndef CORE_OVERLOAD_H
#define CORE_OVERLOAD_H

#include "core/shm.h"

/* Counts one request taken from the queue. True: refuse it. length(arg) is how many wait now, or
 * negative when that cannot be known; asked at most every 10 ms by one process of the host. */
bool overload_take(int64_t now_ms, long target_ms, long (*length)(void *arg), void *arg);

#endif
