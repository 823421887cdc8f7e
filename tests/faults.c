/* Makes the Nth change of a folder fail, or kills the process at it. Linux, x86-64 and ARM64.

A seccomp filter traps every system call that changes files, whoever makes it: Python, SQLite, FAISS, and Rust code that
does not go through the C library. The handler counts those inside one folder, lets the Nth fail, and makes the others
itself by `raw_call`, the only place that the filter lets through. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

long raw_call(long number, long a, long b, long c, long d, long e, long f);
extern char raw_call_end[];

#if defined(__x86_64__)
__asm__(".globl raw_call\nraw_call:\n mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n"
        " mov %r8, %r10\n mov %r9, %r8\n mov 8(%rsp), %r9\n syscall\n.globl raw_call_end\nraw_call_end:\n ret\n");
#define ARGUMENT(context, n) \
    ((context)->uc_mcontext.gregs[(int[]){REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9}[n]])
#define NUMBER(context) ((context)->uc_mcontext.gregs[REG_RAX])
#define SET_RESULT(context, value) ((context)->uc_mcontext.gregs[REG_RAX] = (value))
#elif defined(__aarch64__)
__asm__(".globl raw_call\nraw_call:\n mov x8, x0\n mov x0, x1\n mov x1, x2\n mov x2, x3\n mov x3, x4\n mov x4, x5\n"
        " mov x5, x6\n svc #0\n.globl raw_call_end\nraw_call_end:\n ret\n");
#define ARGUMENT(context, n) ((context)->uc_mcontext.regs[n])
#define NUMBER(context) ((context)->uc_mcontext.regs[8])
#define SET_RESULT(context, value) ((context)->uc_mcontext.regs[0] = (value))
#else
#error "only x86-64 and ARM64"
#endif

/* What happens at the Nth change. The numbers are those of `Failure` in faults.py. */
enum { COUNT, IO_ONCE, IO_ON, FULL_ONCE, FULL_ON, SHORT_WRITE, KILL_BEFORE, KILL_AFTER };

/* How a call names the file: by descriptor, by path, or by folder and path; the last two also in a second place. */
enum { BY_FD, BY_PATH, BY_AT };

typedef struct {
    int number;
    const char *name;
    int by;
    int argument;
    int takes_space;
} Call;

static const Call CALLS[] = {
    {SYS_write, "write", BY_FD, 0, 1},
    {SYS_pwrite64, "pwrite64", BY_FD, 0, 1},
    {SYS_writev, "writev", BY_FD, 0, 1},
    {SYS_pwritev, "pwritev", BY_FD, 0, 1},
    {SYS_sendfile, "sendfile", BY_FD, 0, 1},
    {SYS_copy_file_range, "copy_file_range", BY_FD, 2, 1},
    {SYS_fallocate, "fallocate", BY_FD, 0, 1},
    {SYS_fsync, "fsync", BY_FD, 0, 0},
    {SYS_fdatasync, "fdatasync", BY_FD, 0, 0},
    {SYS_ftruncate, "ftruncate", BY_FD, 0, 0},
    {SYS_openat, "openat", BY_AT, 0, 1},
    {SYS_unlinkat, "unlinkat", BY_AT, 0, 0},
    {SYS_mkdirat, "mkdirat", BY_AT, 0, 1},
    {SYS_renameat2, "renameat2", BY_AT, 2, 0},
    {SYS_linkat, "linkat", BY_AT, 2, 0},
#ifdef SYS_renameat
    {SYS_renameat, "renameat", BY_AT, 2, 0},
#endif
#ifdef SYS_open
    {SYS_open, "open", BY_PATH, 0, 1},
    {SYS_creat, "creat", BY_PATH, 0, 1},
    {SYS_unlink, "unlink", BY_PATH, 0, 0},
    {SYS_rmdir, "rmdir", BY_PATH, 0, 0},
    {SYS_mkdir, "mkdir", BY_PATH, 0, 1},
    {SYS_rename, "rename", BY_PATH, 1, 0},
    {SYS_link, "link", BY_PATH, 1, 0},
    {SYS_truncate, "truncate", BY_PATH, 0, 0},
#endif
};
enum { CALL_COUNT = sizeof CALLS / sizeof *CALLS };

static char folder[PATH_MAX], shadow[PATH_MAX];
static size_t folder_length;
static long target;
static int failure, log_descriptor = -1;
static atomic_long changes;

static int is_error(long result) { return result < 0 && result > -4096; }

static int path_of_descriptor(long descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%ld", descriptor);
    long length = raw_call(SYS_readlinkat, AT_FDCWD, (long)link, (long)path, PATH_MAX - 1, 0, 0);
    if (is_error(length)) return 0;
    path[length] = 0;
    return 1;
}

static int find_path(const Call *call, const long *given, char *path) {
    if (call->by == BY_FD) return path_of_descriptor(given[call->argument], path);
    const char *named = (const char *)given[call->argument + (call->by == BY_AT)];
    if (call->by == BY_PATH || *named == '/' || (int)given[call->argument] == AT_FDCWD) {
        snprintf(path, PATH_MAX, "%s", named);
        return 1;
    }
    if (!path_of_descriptor(given[call->argument], path)) return 0;
    size_t length = strlen(path);
    snprintf(path + length, PATH_MAX - length, "/%s", named);
    return 1;
}

static int makes_change(const Call *call, const long *given) {
    if (call->number == SYS_openat) return (given[2] & (O_CREAT | O_TRUNC)) != 0;
#ifdef SYS_open
    if (call->number == SYS_open) return (given[1] & (O_CREAT | O_TRUNC)) != 0;
#endif
    return 1;
}

/* Keeps the content of a file as of its last sync, under its inode: what a power cut leaves of it. */
static void keep_synced(long descriptor) {
    struct stat status;
    char name[PATH_MAX + 32], link[64], buffer[16384];
    if (!*shadow || raw_call(SYS_fstat, descriptor, (long)&status, 0, 0, 0, 0) != 0 || !S_ISREG(status.st_mode)) return;
    snprintf(name, sizeof name, "%s/%llu", shadow, (unsigned long long)status.st_ino);
    snprintf(link, sizeof link, "/proc/self/fd/%ld", descriptor);
    long from = raw_call(SYS_openat, AT_FDCWD, (long)link, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    long to = raw_call(SYS_openat, AT_FDCWD, (long)name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600, 0, 0);
    long length;
    while ((length = raw_call(SYS_read, from, (long)buffer, sizeof buffer, 0, 0, 0)) > 0)
        raw_call(SYS_write, to, (long)buffer, length, 0, 0, 0);
    raw_call(SYS_close, from, 0, 0, 0, 0, 0);
    raw_call(SYS_close, to, 0, 0, 0, 0, 0);
}

static void die(void) { raw_call(SYS_kill, raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGKILL, 0, 0, 0, 0); }

static long make(const Call *call, const long *given) {
    long result = raw_call(call->number, given[0], given[1], given[2], given[3], given[4], given[5]);
    if ((call->number == SYS_fsync || call->number == SYS_fdatasync) && result == 0) keep_synced(given[0]);
    return result;
}

static long make_short(const Call *call, long *given) {
    if (call->number != SYS_write && call->number != SYS_pwrite64) return -EIO;
    if (given[2] > 1) given[2] /= 2;
    return make(call, given);
}

static long make_or_fail(const Call *call, long *given) {
    char path[PATH_MAX + 256], line[PATH_MAX + 64];
    if (!makes_change(call, given) || !find_path(call, given, path) || strncmp(path, folder, folder_length) != 0 ||
        (path[folder_length] != 0 && path[folder_length] != '/'))
        return make(call, given);
    long number = atomic_fetch_add(&changes, 1) + 1;
    if (log_descriptor >= 0 && (failure == COUNT || number == target)) {
        int length = snprintf(line, sizeof line, "%ld %s %s\n", number, call->name, path + folder_length);
        raw_call(SYS_write, log_descriptor, (long)line, length, 0, 0, 0);
    }
    if (failure == FULL_ON) return number >= target && call->takes_space ? -ENOSPC : make(call, given);
    if (failure == IO_ON) return number >= target ? -EIO : make(call, given);
    if (number != target) return make(call, given);
    switch (failure) {
    case IO_ONCE: return -EIO;
    case FULL_ONCE: return -ENOSPC;
    case SHORT_WRITE: return make_short(call, given);
    case KILL_BEFORE: die(); break;
    case KILL_AFTER: make(call, given); die(); break;
    }
    return make(call, given);
}

static void on_trap(int signal, siginfo_t *info, void *opaque) {
    ucontext_t *context = opaque;
    long given[6];
    (void)signal;
    for (int n = 0; n < 6; n++) given[n] = ARGUMENT(context, n);
    for (int n = 0; n < CALL_COUNT; n++)
        if (CALLS[n].number == info->si_syscall) {
            SET_RESULT(context, make_or_fail(&CALLS[n], given));
            return;
        }
    SET_RESULT(context, -ENOSYS);
}

static int install_filter(void) {
    struct sock_filter code[CALL_COUNT + 8];
    uint64_t end = (uint64_t)(uintptr_t)raw_call_end;
    int n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int call = 0; call < CALL_COUNT; call++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALLS[call].number, CALL_COUNT - call, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)end, 0, 3);
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(end >> 32), 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? errno : 0;
}

/* Begins to count the changes in a folder, given by its absolute path. At number `nth` the `kind` of failure happens.
The changes are logged into `log_path`: all of them when they are only counted, else the one that failed. Contents as of
the last sync are kept in `shadow_path`, unless it is empty. For the process's whole life; call it before there are other
threads. Returns 0, or the number of an error. */
int arm(const char *folder_path, long nth, int kind, const char *log_path, const char *shadow_path) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};
    snprintf(folder, sizeof folder, "%s", folder_path);
    snprintf(shadow, sizeof shadow, "%s", shadow_path);
    folder_length = strlen(folder);
    target = nth;
    failure = kind;
    log_descriptor = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_descriptor < 0 || sigaction(SIGSYS, &action, NULL)) return errno;
    return install_filter();
}
