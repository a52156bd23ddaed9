/* src/http/queue.h - how many connections wait to be accepted (private to http/) */
#ifndef HTTP_QUEUE_H
#define HTTP_QUEUE_H

/* Of the listening socket fd, TCP or unix; negative when the kernel does not tell. */
long queue_length(int fd);

#endif
