/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keysd.h - the IKE process: all struct ike of an appliance, behind a socket to the data plane and one to the signer.
 *
 * It gives up its rights before it reads anything (sandbox.h), gets its configuration and what certificates say as messages, and
 * from then on turns each message of the data plane into a call of ike.h, and each callback into a message. It
 * opens nothing and has no secret that outlives it. It ends when the data plane or the signer does.
 */
#ifndef KEYSD_H
#define KEYSD_H

/* Serves until the end; takes over both descriptors. The exit status. */
int keysd_main(int data_fd, int signer_fd);

#endif
