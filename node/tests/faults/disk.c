/* A disk that is slow or full, for a process that calls libc: loaded before it with LD_PRELOAD. What the
 * file DISK_FAULTS holds happens to every write and sync of a regular file. `slow 200`: each sync takes
 * 200 ms longer. `full`: writes, growth and syncs fail with ENOSPC. No file: nothing happens. Standard output
 * and error are the node's log, which is not on this disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Returns -1 with errno set if the operation on `fd` is to fail. */
static int fault(int fd, int is_sync)
{
    const char *control = getenv("DISK_FAULTS");
    struct stat about;
    char held[32] = {0};
    if (!control || fd <= 2 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return 0;
    int file = syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t length = syscall(SYS_read, file, held, sizeof held - 1);
    syscall(SYS_close, file);
    if (length <= 0)
        return 0;
    if (strcmp(held, "full") == 0) {
        errno = ENOSPC;
        return -1;
    }
    if (is_sync && strncmp(held, "slow ", 5) == 0) {
        long ms = atol(held + 5);
        struct timespec delay = {ms / 1000, ms % 1000 * 1000000};
        nanosleep(&delay, NULL);
    }
    return 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAULTY(result, name, parameters, arguments, is_sync)            \
    result name parameters                                              \
    {                                                                   \
        static __typeof__(&name) real;                                  \
        if (!real)                                                      \
            real = REAL(name);                                          \
        return fault(fd, is_sync) ? -1 : real arguments;                \
    }

FAULTY(ssize_t, write, (int fd, const void *from, size_t n), (fd, from, n), 0)
FAULTY(ssize_t, writev, (int fd, const struct iovec *from, int n), (fd, from, n), 0)
FAULTY(ssize_t, pwrite, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), 0)
FAULTY(ssize_t, pwrite64, (int fd, const void *from, size_t n, off64_t at), (fd, from, n, at), 0)
FAULTY(int, ftruncate, (int fd, off_t size), (fd, size), 0)
FAULTY(int, ftruncate64, (int fd, off64_t size), (fd, size), 0)
FAULTY(int, fsync, (int fd), (fd), 1)
FAULTY(int, fdatasync, (int fd), (fd), 1)
