/* Try, from inside, each thing that a program of the service may not do, and each that it must be able to. `sandbox-probe PROGRAM`
 * confines a child for each attempt as PROGRAM (verifier, signer, host, none) is confined and prints a line:
 *
 *     ATTEMPT<TAB>killed by SIGNAL | refused: ERROR | done
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/key_pool.h"
#include "crypto/sign.h"
#include "sandbox.h"

enum { PAGE = 4096, LARGE = 4 * 1024 * 1024 };

/* Without the C library, which could do without a call: -1 and errno, or what the call gives. */
#define CALL(...) ((int)syscall(__VA_ARGS__))
#define ATTEMPT(name, value) \
    static int name(void)    \
    {                        \
        return (value);      \
    }

static pid_t other; /* a process of the same user that does nothing */
static char secret[] = "a secret of another process";
static char buffer[sizeof secret];
static struct iovec here = {buffer, sizeof buffer}, there = {secret, sizeof secret};
static struct timespec a_moment = {0, 1000};
static uint8_t scratch[4096];

/* Files */
ATTEMPT(open_file, CALL(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY))
ATTEMPT(open_2, CALL(SYS_openat2, AT_FDCWD, "/etc/passwd", &(uint64_t[3]){0}, 24))
ATTEMPT(make_file, CALL(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_WRONLY, 0600))
ATTEMPT(stat_file, CALL(SYS_newfstatat, AT_FDCWD, "/etc/passwd", scratch, 0))
ATTEMPT(read_link, CALL(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", scratch, sizeof scratch))
ATTEMPT(remove_file, CALL(SYS_unlinkat, AT_FDCWD, "/nothing/there", 0))
ATTEMPT(change_mode, CALL(SYS_fchmodat, AT_FDCWD, "/nothing/there", 0600))
ATTEMPT(change_folder, CALL(SYS_chdir, "/"))
ATTEMPT(memory_file, CALL(SYS_memfd_create, "x", 0))
/* Descriptors: only its channels, only by reading and writing */
ATTEMPT(read_other_fd, CALL(SYS_read, 0, scratch, 1))
ATTEMPT(write_other_fd, CALL(SYS_write, 1, "", 0))
ATTEMPT(write_error_vector, CALL(SYS_writev, 2, &here, 0))
ATTEMPT(duplicate_fd, CALL(SYS_dup, 3))
ATTEMPT(control_fd, CALL(SYS_fcntl, 3, F_GETFL))
ATTEMPT(ioctl_fd, CALL(SYS_ioctl, 3, FIONREAD, scratch))
ATTEMPT(receive_fd, CALL(SYS_recvmsg, 3, &(struct msghdr){0}, MSG_DONTWAIT))
ATTEMPT(send_fd, CALL(SYS_sendmsg, 3, &(struct msghdr){0}, MSG_DONTWAIT))
ATTEMPT(wait_fd, CALL(SYS_ppoll, NULL, 0, &a_moment, NULL, 0))
ATTEMPT(ring, CALL(SYS_io_uring_setup, 1, scratch))
/* Network */
ATTEMPT(make_socket, CALL(SYS_socket, AF_INET, SOCK_STREAM, 0))
ATTEMPT(make_unix_socket, CALL(SYS_socket, AF_UNIX, SOCK_STREAM, 0))
ATTEMPT(make_netlink, CALL(SYS_socket, AF_NETLINK, SOCK_RAW, 0))
ATTEMPT(make_socket_pair, CALL(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, scratch))
ATTEMPT(connect_socket, CALL(SYS_connect, 3, &(struct sockaddr){AF_UNIX, ""}, sizeof(sa_family_t)))
ATTEMPT(bind_socket, CALL(SYS_bind, 3, &(struct sockaddr){AF_UNIX, ""}, sizeof(sa_family_t)))
ATTEMPT(listen_socket, CALL(SYS_listen, 3, 1))
/* Processes */
static int forked(int pid)
{
    if (pid == 0)
        _exit(0);
    return pid;
}

ATTEMPT(fork_it, forked(CALL(SYS_clone, SIGCHLD, 0, 0, 0, 0)))
ATTEMPT(clone_3, forked(CALL(SYS_clone3, &(uint64_t[8]){0}, 64)))
ATTEMPT(execute, CALL(SYS_execve, "/bin/true", NULL, NULL))
ATTEMPT(execute_at, CALL(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0))
ATTEMPT(trace_attach, CALL(SYS_ptrace, PTRACE_SEIZE, other, 0, 0))
ATTEMPT(trace_me, CALL(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0))
ATTEMPT(kill_other, CALL(SYS_kill, other, 0))
ATTEMPT(kill_thread, CALL(SYS_tgkill, other, other, 0))
ATTEMPT(read_other_memory, CALL(SYS_process_vm_readv, other, &here, 1, &there, 1, 0))
ATTEMPT(write_other_memory, CALL(SYS_process_vm_writev, other, &here, 1, &here, 1, 0))
ATTEMPT(handle_of_other, CALL(SYS_pidfd_open, other, 0))
ATTEMPT(limit_other, CALL(SYS_prlimit64, other, RLIMIT_NOFILE, NULL, scratch))
ATTEMPT(place_other, CALL(SYS_sched_setaffinity, other, sizeof(cpu_set_t), &(cpu_set_t){{1}}))
ATTEMPT(compare_other, CALL(SYS_kcmp, getpid(), other, 1, 0, 0))
/* Memory that could hold code */
ATTEMPT(map_code, CALL(SYS_mmap, 0, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 ? -1 : 0)
ATTEMPT(map_all_rights, CALL(SYS_mmap, 0, PAGE, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 ? -1 : 0)
ATTEMPT(map_shared, CALL(SYS_mmap, 0, PAGE, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == -1 ? -1 : 0)
ATTEMPT(map_file, CALL(SYS_mmap, 0, PAGE, 1, MAP_PRIVATE, 0, 0) == -1 ? -1 : 0)
ATTEMPT(make_code, CALL(SYS_mprotect, (uintptr_t)scratch & ~(uintptr_t)(PAGE - 1), PAGE, 7))
ATTEMPT(make_code_by_key, CALL(SYS_pkey_mprotect, (uintptr_t)scratch & ~(uintptr_t)(PAGE - 1), PAGE, 7, -1))
ATTEMPT(advise_memory, CALL(SYS_madvise, 0, 0, MADV_DODUMP))
ATTEMPT(unlock_memory, CALL(SYS_munlockall))
ATTEMPT(watch_faults, CALL(SYS_userfaultfd, 1))
ATTEMPT(shared_segment, CALL(SYS_shmget, IPC_PRIVATE, PAGE, 0600))
/* Time */
ATTEMPT(clock_call, CALL(SYS_clock_gettime, CLOCK_REALTIME, scratch))
ATTEMPT(clock_of_cpu, CALL(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, scratch))
ATTEMPT(day_call, CALL(SYS_gettimeofday, scratch, NULL))
ATTEMPT(times_call, CALL(SYS_times, scratch))
ATTEMPT(usage_call, CALL(SYS_getrusage, RUSAGE_SELF, scratch))
ATTEMPT(uptime_call, CALL(SYS_sysinfo, scratch))
ATTEMPT(sleep_call, CALL(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &a_moment, NULL))
ATTEMPT(short_sleep, CALL(SYS_nanosleep, &a_moment, NULL))
ATTEMPT(sleep_on_futex, CALL(SYS_futex, scratch, FUTEX_WAIT_PRIVATE, 0, &a_moment))
ATTEMPT(clock_by_timer, CALL(SYS_setitimer, ITIMER_PROF, &(struct itimerval){0}, scratch))
ATTEMPT(clock_timer, CALL(SYS_setitimer, ITIMER_REAL, &(struct itimerval){0}, NULL))
ATTEMPT(clock_page, clock_gettime(CLOCK_MONOTONIC, (struct timespec *)(void *)scratch))
#ifdef __x86_64__
ATTEMPT(clock_counter, (*(volatile uint64_t *)(void *)scratch = __builtin_ia32_rdtsc(), 0))
ATTEMPT(counter_given_up,
        prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) == 0 ? clock_counter() : -1) /* some hypervisors do not care */
ATTEMPT(foreign_call, CALL(0x40000000 | SYS_getppid))
#endif
/* The system, and its own confinement */
ATTEMPT(random_numbers, CALL(SYS_getrandom, scratch, 16, 0))
ATTEMPT(own_number, CALL(SYS_getpid))
ATTEMPT(parent, CALL(SYS_getppid))
ATTEMPT(name_of_system, CALL(SYS_uname, scratch))
ATTEMPT(be_dumpable, CALL(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0))
ATTEMPT(counter_back, CALL(SYS_prctl, PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0))
ATTEMPT(another_filter, CALL(SYS_seccomp, 2, 0, scratch))
ATTEMPT(own_limit, CALL(SYS_prlimit64, 0, RLIMIT_AS, NULL, scratch))
ATTEMPT(change_user, CALL(SYS_setuid, getuid()))
ATTEMPT(capabilities, CALL(SYS_capget, scratch, NULL))
ATTEMPT(mount_it, CALL(SYS_mount, "", "", "", 0, ""))
ATTEMPT(unshare_it, CALL(SYS_unshare, 0))
ATTEMPT(load_program, CALL(SYS_bpf, 0, scratch, 0))
ATTEMPT(count_events, CALL(SYS_perf_event_open, scratch, 0, -1, -1, 0))
ATTEMPT(key_ring, CALL(SYS_keyctl, 0, -3, 0))
ATTEMPT(catch_signal, CALL(SYS_rt_sigaction, SIGUSR1, NULL, scratch, 8))

/* What it must be able to do */
static int talk(void)
{
    struct iovec message = {(void *)(uintptr_t) "ping", 4};
    char answer[4];

    if (writev(3, &message, 1) != 4)
        return -1;
    for (size_t i = 0; i < sizeof answer; i++)
        if (read(3, answer + i, 1) != 1)
            return -1;
    return memcmp(answer, "ping", 4) == 0 ? 0 : -1;
}

static int last_words(void)
{
    return write(STDERR_FILENO, "", 0) == 0 ? 0 : -1;
}

static int use_memory(void)
{
    uint8_t *volatile small = malloc(100), *volatile large = malloc(LARGE);
    uint8_t *larger = large ? realloc(large, (size_t)8 * LARGE) : NULL;

    if (!small || !larger)
        return -1;
    memset(larger, 1, (size_t)8 * LARGE);
    free(larger);
    free(small);
    return 0;
}

static int limit_cpu(void)
{
    confine_cpu(1);
    return 0;
}

static int make_key(void)
{
    struct fault fault = {0};
    struct signing_key *key = signing_key_generate(KEY_RSA, &fault);

    signing_key_free(key);
    return key ? 0 : -1;
}

/* The thread that makes keys, made before the door closed. */
static int make_keys_ahead(void)
{
    while (key_pool_count() < 2) {
        key_pool_fill();
        talk(); /* waits a moment: a call to sleep is denied */
    }
    return 0;
}

/* Ended by the limit of its CPU time. */
static int never_end(void)
{
    confine_cpu(0);
    for (volatile uint64_t i = 1; i; i = i + 1)
        ;
    return 0;
}

#define ROW(name)   \
    {               \
#name, name \
    }
static const struct {
    const char *name;
    int (*attempt)(void);
} attempts[] = {
    ROW(open_file),
    ROW(open_2),
    ROW(make_file),
    ROW(stat_file),
    ROW(read_link),
    ROW(remove_file),
    ROW(change_mode),
    ROW(change_folder),
    ROW(memory_file),
    ROW(read_other_fd),
    ROW(write_other_fd),
    ROW(write_error_vector),
    ROW(duplicate_fd),
    ROW(control_fd),
    ROW(ioctl_fd),
    ROW(receive_fd),
    ROW(send_fd),
    ROW(wait_fd),
    ROW(ring),
    ROW(make_socket),
    ROW(make_netlink),
    ROW(make_socket_pair),
    ROW(make_unix_socket),
    ROW(connect_socket),
    ROW(bind_socket),
    ROW(listen_socket),
    ROW(fork_it),
    ROW(clone_3),
    ROW(execute),
    ROW(execute_at),
    ROW(trace_attach),
    ROW(trace_me),
    ROW(kill_other),
    ROW(kill_thread),
    ROW(read_other_memory),
    ROW(write_other_memory),
    ROW(handle_of_other),
    ROW(limit_other),
    ROW(place_other),
    ROW(compare_other),
    ROW(map_code),
    ROW(map_all_rights),
    ROW(map_shared),
    ROW(map_file),
    ROW(make_code),
    ROW(make_code_by_key),
    ROW(advise_memory),
    ROW(unlock_memory),
    ROW(watch_faults),
    ROW(shared_segment),
    ROW(clock_call),
    ROW(clock_of_cpu),
    ROW(day_call),
    ROW(times_call),
    ROW(usage_call),
    ROW(uptime_call),
    ROW(sleep_call),
    ROW(short_sleep),
    ROW(sleep_on_futex),
    ROW(clock_by_timer),
    ROW(clock_timer),
    ROW(clock_page),
#ifdef __x86_64__
    ROW(clock_counter),
    ROW(foreign_call),
    ROW(counter_given_up),
#endif
    ROW(random_numbers),
    ROW(own_number),
    ROW(parent),
    ROW(name_of_system),
    ROW(be_dumpable),
    ROW(counter_back),
    ROW(another_filter),
    ROW(own_limit),
    ROW(change_user),
    ROW(capabilities),
    ROW(mount_it),
    ROW(unshare_it),
    ROW(load_program),
    ROW(count_events),
    ROW(key_ring),
    ROW(catch_signal),
    ROW(talk),
    ROW(last_words),
    ROW(use_memory),
    ROW(limit_cpu),
    ROW(make_key),
    ROW(make_keys_ahead),
    ROW(never_end),
};

/* Channels as the program has them: what is written to 3 and 4 comes back. */
static void open_channels(void)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || dup2(pair[0], 30) < 0 || dup2(pair[1], 31) < 0)
        exit(EXIT_FAILURE);
    if (fork() == 0) {
        char c;

        close(30);
        close(pair[0]);
        while (read(31, &c, 1) == 1 && write(31, &c, 1) == 1)
            ;
        _exit(0);
    }
    if (dup2(30, 3) < 0 || dup2(30, 4) < 0)
        exit(EXIT_FAILURE);
    close_range(5, ~0u, 0);
}

/* In a process of its own. The exit status is the error's number; 0: done. */
static _Noreturn void try(const char *program, int (*attempt)(void))
{
    open_channels();
    sandbox_makes_keys = attempt == make_keys_ahead;
    if (sandbox_makes_keys && strcmp(program, "verifier") == 0)
        _exit(ENOSYS); /* it has no thread */
    sandbox_become(program);
    errno = 0;
    _exit(attempt() < 0 ? errno ? errno : 255 : 0);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return EXIT_FAILURE;
    other = fork();
    if (other == 0)
        for (;;)
            pause();
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        int status;
        pid_t child = fork();

        if (child == 0)
            try(argv[1], attempts[i].attempt);
        if (child < 0 || waitpid(child, &status, 0) != child)
            return EXIT_FAILURE;
        printf("%s\t", attempts[i].name);
        if (WIFSIGNALED(status))
            printf("killed by SIG%s\n", sigabbrev_np(WTERMSIG(status)));
        else if (WEXITSTATUS(status))
            printf("refused: %s\n", strerrorname_np(WEXITSTATUS(status)) ? strerrorname_np(WEXITSTATUS(status)) : "?");
        else
            puts("done");
        fflush(stdout);
    }
    kill(other, SIGKILL);
    return EXIT_SUCCESS;
}
