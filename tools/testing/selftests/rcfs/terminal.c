// SPDX-License-Identifier: GPL-2.0
/*
 * Run a command on a terminal of its own, type input, and wait for output. The steps are
 * read from standard input, one a line:
 *
 *	send TEXT	type it; ^C and the like are control characters, ^M is return
 *	expect TEXT	wait until it has been shown, after the text of earlier steps
 *
 * The whole output is written to a file. After the last step, wait for the command, and
 * print how it ended: "exited N" or "killed N".
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "helpers.h"

static const char usage[] =
	"usage: terminal [-r ROWS] [-c COLUMNS] FILE COMMAND...\n";

static char shown[1 << 20];
static size_t length, expected;
static int terminal, file;

static void make_terminal(struct winsize *size, char **command)
{
	int side;

	/* A shell ignores these two signals in background processes. */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	if (setsid() < 0)
		fail("setsid: %s", strerror(errno));
	side = open(ptsname(terminal), O_RDWR);
	if (side < 0 || ioctl(side, TIOCSCTTY, 0) || ioctl(side, TIOCSWINSZ, size))
		fail("terminal: %s", strerror(errno));
	if (dup2(side, 0) < 0 || dup2(side, 1) < 0 || dup2(side, 2) < 0)
		fail("dup2: %s", strerror(errno));
	close(side);
	execvp(command[0], command);
	fail("%s: %s", command[0], strerror(errno));
}

/* Reads the output so far. Returns false after the terminal has been closed. */
static bool take(int timeout)
{
	struct pollfd wait = { .fd = terminal, .events = POLLIN };
	ssize_t got;

	if (poll(&wait, 1, timeout) <= 0)
		return true;
	got = read(terminal, shown + length, sizeof(shown) - 1 - length);
	if (got <= 0)
		return false;
	if (write(file, shown + length, got) != got)
		fail("write: %s", strerror(errno));
	length += got;
	return true;
}

static void expect(const char *text)
{
	unsigned long since = now_ns();
	const char *found;

	while (!(found = memmem(shown + expected, length - expected, text, strlen(text)))) {
		if (!take(100) || in_vain(since))
			fail("\"%s\" was not shown, but: %s", text, shown + expected);
	}
	expected = found - shown + strlen(text);
}

static void send(const char *text)
{
	char byte;

	for (; *text; text++) {
		byte = *text;
		if (byte == '^' && text[1])
			byte = *++text & 0x1f;
		if (write(terminal, &byte, 1) != 1)
			fail("typing: %s", strerror(errno));
	}
}

static void step(char *line)
{
	line[strcspn(line, "\n")] = 0;
	if (!strncmp(line, "send ", 5))
		send(line + 5);
	else if (!strncmp(line, "expect ", 7))
		expect(line + 7);
	else if (*line)
		fail("unknown line: %s", line);
}

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	char line[256];
	int opt, status;
	pid_t pid;

	while ((opt = getopt(argc, argv, "+r:c:")) != -1) {
		if (opt == 'r')
			size.ws_row = atoi(optarg);
		else if (opt == 'c')
			size.ws_col = atoi(optarg);
		else
			optind = argc;
	}
	if (argc - optind < 2) {
		fputs(usage, stderr);
		return 2;
	}
	file = open(argv[optind], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (file < 0 || terminal < 0 || grantpt(terminal) || unlockpt(terminal))
		fail("no terminal: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (!pid)
		make_terminal(&size, argv + optind + 1);
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	while (fgets(line, sizeof(line), stdin))
		step(line);
	/* The command does not end if its output is not read. */
	while (!waitpid(pid, &status, WNOHANG))
		take(20);
	while (poll(&(struct pollfd){ .fd = terminal, .events = POLLIN }, 1, 0) > 0 && take(0))
		;
	if (WIFSIGNALED(status))
		printf("killed %d\n", WTERMSIG(status));
	else
		printf("exited %d\n", WEXITSTATUS(status));
	return 0;
}
