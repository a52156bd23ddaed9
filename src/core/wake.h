/* src/core/wake.h - tells the notifier that something is waiting in the outbox */
#ifndef CORE_WAKE_H
#define CORE_WAKE_H

#include "core/config.h"

/* One datagram to notifier.socket; never blocks, errors do not matter (the notifier also polls). */
void wake_notifier(const struct config *cfg);

#endif
