// The program that the containers of the truth test run, and that kills them from outside.
//
// Usage: puppet SOCKET TAG. It connects to the test's socket, says its tag, and does what the test
// writes, one order a line. It answers "ok" or "error TEXT"; an order that ends it has no answer,
// and the test sees the connection close.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

// Inode of the initial pid namespace: PROC_PID_INIT_INO of linux/proc_ns.h.
#define INITIAL_PID_NAMESPACE 0xEFFFFFFCU
// Most memory that `eat` takes: far more than the limit of any cgroup of the test.
#define MOST_MEMORY (256 << 20)

static const char *socket_path;
static int connection = -1, is_new;
static volatile int exit_codes[65];

static void exit_from_handler(int number) { _exit(exit_codes[number]); }
static void do_nothing(int number) { (void)number; }

static int handle(int number, void (*handler)(int)) {
	struct sigaction action = { .sa_handler = handler };
	return sigaction(number, &action, NULL);
}

static void say(const char *text) {
	size_t length = strlen(text);
	while (length > 0) {
		ssize_t written = write(connection, text, length);
		if (written < 0 && errno == EINTR) continue;
		if (written <= 0) _exit(121);
		text += written;
		length -= written;
	}
}

static void connect_as(const char *tag) {
	if (connection >= 0) close(connection);
	connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strncpy(address.sun_path, socket_path, sizeof address.sun_path - 1);
	while (connect(connection, (struct sockaddr *)&address, sizeof address) != 0)
		if (errno != EINTR && errno != EAGAIN) _exit(122);
	say(tag);
	say("\n");
}

// Reads a line without reading past it: a child must not inherit orders of its parent.
static void next_order(char *line, size_t size) {
	size_t length = 0;
	for (;;) {
		char letter;
		ssize_t count = read(connection, &letter, 1);
		if (count < 0 && errno == EINTR) continue;
		if (count <= 0) _exit(123); // the test is gone
		if (letter == '\n' || length + 1 == size) break;
		line[length++] = letter;
	}
	line[length] = 0;
}

static int start_timer(int number, int milliseconds) {
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = number };
	timer_t timer;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return -1;
	struct itimerspec when = { .it_value = { milliseconds / 1000, milliseconds % 1000 * 1000000L } };
	return timer_settime(timer, 0, &when, NULL);
}

static int eat(void) {
	for (size_t eaten = 0; eaten < MOST_MEMORY; eaten += 1 << 20) {
		char *piece = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (piece == MAP_FAILED) return -1;
		memset(piece, 1, 1 << 20);
	}
	errno = EDQUOT; // no limit stopped it
	return -1;
}

// Ends the pid namespace of this container, never the host: refused in the initial namespace.
static int end_pid_namespace(int how) {
	struct stat own;
	if (stat("/proc/self/ns/pid", &own) != 0) return -1;
	if (own.st_ino == INITIAL_PID_NAMESPACE) {
		errno = EPERM;
		return -1;
	}
	return reboot(how);
}

static int trace_kill(pid_t pid) {
	int status;
	if (ptrace(PTRACE_ATTACH, pid, 0, 0) != 0 || waitpid(pid, &status, __WALL) < 0) return -1;
	return ptrace(PTRACE_KILL, pid, 0, 0);
}

static void *exit_all(void *code) {
	// The leader has ended first: its own exit code must not count.
	usleep(1000);
	exit((int)(long)code);
}

static int fork_as(const char *tag) {
	pid_t pid = fork();
	if (pid == 0) {
		connect_as(tag);
		is_new = 1;
	}
	return pid < 0 ? -1 : 0;
}

// A child makes a pid namespace, whose first process connects, and ends with that one's code.
static int fork_nested(const char *tag) {
	pid_t pid = fork();
	if (pid != 0) return pid < 0 ? -1 : 0;
	int status = 125 << 8;
	if (unshare(CLONE_NEWPID) == 0) {
		pid = fork();
		if (pid == 0) {
			connect_as(tag);
			is_new = 1;
			return 0;
		}
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
	}
	_exit(WEXITSTATUS(status));
}

static int reap(void) {
	pid_t pid;
	while ((pid = waitpid(-1, NULL, __WALL)) < 0 && errno == EINTR) {}
	return pid < 0 ? -1 : 0;
}

static int obey(char *line) {
	char *word = strtok(line, " "), *first = strtok(NULL, " "), *second = strtok(NULL, " ");
	int a = first ? atoi(first) : 0, b = second ? atoi(second) : 0;
	if (!strcmp(word, "exit")) _exit(a);
	if (!strcmp(word, "handle")) {
		exit_codes[a] = b;
		return handle(a, exit_from_handler);
	}
	if (!strcmp(word, "count")) return handle(a, do_nothing);
	if (!strcmp(word, "ignore")) return handle(a, SIG_IGN);
	if (!strcmp(word, "default")) return handle(a, SIG_DFL);
	if (!strcmp(word, "kill")) return kill(a, b);
	if (!strcmp(word, "queue")) return sigqueue(a, b, (union sigval){ 0 });
	if (!strcmp(word, "tkill")) return syscall(SYS_tgkill, a, a, b);
	if (!strcmp(word, "pidfd")) return syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, a, 0), b, NULL, 0);
	if (!strcmp(word, "raise")) return kill(getpid(), a);
	if (!strcmp(word, "segv")) *(volatile int *)8 = 1;
	if (!strcmp(word, "ill")) __builtin_trap();
	if (!strcmp(word, "timer")) return start_timer(a, b);
	if (!strcmp(word, "eat")) return eat();
	if (!strcmp(word, "reboot")) return end_pid_namespace(a ? RB_POWER_OFF : RB_AUTOBOOT);
	if (!strcmp(word, "tracekill")) return trace_kill(a);
	if (!strcmp(word, "name")) return prctl(PR_SET_NAME, first);
	if (!strcmp(word, "pdeathsig")) return prctl(PR_SET_PDEATHSIG, a);
	if (!strcmp(word, "child")) return fork_as(first);
	if (!strcmp(word, "nested")) return fork_nested(first);
	if (!strcmp(word, "reap")) return reap();
	if (!strcmp(word, "threads")) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, exit_all, (void *)(long)a) != 0) return -1;
		// Ends this thread alone: exit_group() is what exit() calls.
		syscall(SYS_exit, 99);
	}
	errno = EINVAL;
	return -1;
}

int main(int count, char **arguments) {
	if (count != 3) return 124;
	socket_path = arguments[1];
	connect_as(arguments[2]);
	for (;;) {
		char line[256], told[256];
		next_order(line, sizeof line);
		memcpy(told, line, sizeof told);
		is_new = 0;
		int result = obey(line);
		if (is_new) continue; // a child: nothing was asked on its own connection yet
		if (result == 0) {
			say("ok\n");
		} else {
			char answer[512];
			snprintf(answer, sizeof answer, "error %s: %s\n", told, strerror(errno));
			say(answer);
		}
	}
}
