/* SPDX-License-Identifier: Apache-2.0 */
/*
 * egress.h - the sending process, `postern egress`: frames in on one descriptor, outcomes out on the same.
 *
 * The first frame is POLICY, then SEND and ABORT. Each SEND is answered by one DONE. It ends when the other
 * side closes; what is then under way is dropped. It holds no key and no database, and enters its sandbox
 * before the first SEND.
 */
#ifndef EGRESS_EGRESS_H
#define EGRESS_EGRESS_H

/* Runs until the end of fd, a connected stream socket, and closes it. Returns the exit code: 0 at its end,
 * 1 when it could not start or the other side broke the protocol. */
int egress_main(int fd);

#endif
