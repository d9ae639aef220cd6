/* SPDX-License-Identifier: Apache-2.0 */
/* cli_stop.c - the two signals that end a request. */
#include "mesh/cli_stop.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "interconnect/base/err.h"

/* Shared with the handler, which may only shut down what is open. */
static volatile sig_atomic_t stop_signal, stop_fd = -1;

static void on_signal(int signo)
{
	int saved = errno;

	if (!stop_signal)
		stop_signal = signo;
	if (stop_fd >= 0)
		shutdown((int)stop_fd, SHUT_RDWR);
	errno = saved;
}

static void catch(int signo)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigemptyset(&sa.sa_mask);
	sigaction(signo, &sa, NULL);
}

void cli_stop_guard(int fd)
{
	stop_fd = fd;
	/* A signal between dialling and here saw the old descriptor. */
	if (fd >= 0 && cli_stopped())
		shutdown(fd, SHUT_RDWR);
}

void cli_stop_catch(void)
{
	catch(SIGINT);
}

void cli_stop_deadline(uint64_t ms)
{
	struct itimerval t = { .it_value = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) } };

	catch(SIGALRM);
	setitimer(ITIMER_REAL, &t, NULL);
}

int cli_stopped(void)
{
	if (!stop_signal)
		return 0;
	return stop_signal == SIGALRM ? CW_E_TIMEOUT : CW_E_CANCELLED;
}
