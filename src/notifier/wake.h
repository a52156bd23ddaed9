/* src/notifier/wake.h - the datagram socket: whoever has committed something sends one byte */
#ifndef NOTIFIER_WAKE_H
#define NOTIFIER_WAKE_H

#include <stdbool.h>
#include <sys/types.h>

struct wake {
	int fd;		/* -1: nobody can call */
	char path[108];
	ino_t inode;
};

bool wake_open(struct wake *w, const char *path);	/* what is wrong is logged */
bool wake_drain(struct wake *w);			/* true: somebody called */
void wake_close(struct wake *w);

#endif
